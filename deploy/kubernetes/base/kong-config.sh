#!/bin/sh
# What the Kong of this pod runs: kong.yaml, and over it the certificates of files, the keys
# that token issuers publish, and the overlays of the Secret gateway-overlays.
#
#   kong-config.sh once   writes it for Kong to start with, or fails
#   kong-config.sh keep   puts it on Kong whenever a part has changed, every $EVERY seconds
#
# Why it is no file in the image or in Git: docs/kubernetes.md.
set -eu
umask 077
given=${GIVEN:-/etc/gatehouse}
out=${OUT:-/run/kong-config}
every=${EVERY:-30}
kong=${KONG_ADMIN:-http://127.0.0.1:8001}

# id prints a UUID that is another one for each content: under the id of old connections Kong
# would go on with the old certificate (docs/tls.md).
id() {
  sha256sum | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-8\3-8\4-\5/'
}

block() { # FIELD: the text of standard input as a field of an entity
  printf '    %s: |\n' "$1"
  awk '{ print "      " $0 }' # ends the last line, too
}

pair() { # DIR ID: an entity of `certificates`
  printf '  - id: %s\n' "$2"
  block cert <"$1/tls.crt"
  block key <"$1/tls.key"
}

# certificates prints an overlay. The CAs may be several, while one takes the place of
# another; an entity of Kong's holds one.
certificates() {
  client=$(cat "$given/client-tls/tls.crt" "$given/client-tls/tls.key" "$given/client-tls/ca.crt" | id)
  edge=$(cat "$given/edge-tls/tls.crt" "$given/edge-tls/tls.key" | id)
  rm -rf "$out/ca" && mkdir "$out/ca"
  awk -v dir="$out/ca" '/BEGIN CERTIFICATE/ { file = sprintf("%s/%03d.pem", dir, ++n) } file { print > file } /END CERTIFICATE/ { file = "" }' \
    "$given/client-tls/ca.crt"
  echo '_format_version: "3.0"'
  echo 'certificates:'
  pair "$given/client-tls" "$client"
  pair "$given/edge-tls" "$edge"
  echo 'snis:' # "*" is for every name; a client that says none gets Kong's own certificate
  printf '  - { name: "*", certificate: { id: %s } }\n' "$edge"
  echo 'ca_certificates:'
  all=
  for ca in "$out"/ca/*.pem; do
    one=$(id <"$ca")
    printf '  - id: %s\n' "$one"
    block cert <"$ca"
    all="$all${all:+, }$one"
  done
  sed -e "s/CLIENT_CERTIFICATE/$client/" -e "s/CA_CERTIFICATES/$all/" "$given/config/mutual-tls.yaml"
}

# round brings all files in $out up to date, and Kong where "$@" names it by --node. An issuer
# that is down takes nobody's key away, and a config with a mistake is not used.
round() {
  cp "$given/config/kong.yaml" "$out/base.yaml"
  certificates >"$out/certificates.yaml.new"
  mv "$out/certificates.yaml.new" "$out/certificates.yaml"
  set -- "$@" --config "$out/base.yaml" --overlay "$out/certificates.yaml"
  for overlay in "$given"/overlays/*.yaml; do
    [ ! -e "$overlay" ] || set -- "$@" --overlay "$overlay"
  done
  failed=0
  gatehouse issuers sync --issuers "$given/config/issuers.yaml" --out "$out/issuers.yaml" "$@" || failed=1
  [ "${1:-}" != --node ] || shift 2
  gatehouse render --secrets "$@" --overlay "$out/issuers.yaml" >"$out/kong.yaml.new"
  # Kong may start with it at any time. What versions are held to is for who changes a config:
  # no day that comes keeps a pod from starting.
  said=$(gatehouse check --lifecycle none "$out/kong.yaml.new") || {
    echo "$said" >&2
    return 1
  }
  mv "$out/kong.yaml.new" "$out/kong.yaml"
  return $failed
}

case ${1:-} in
once)
  round
  ;;
keep)
  trap 'exit 0' TERM QUIT INT
  while :; do
    sleep "$every" &
    wait $!
    sh "$0" round --node "$kong" || echo "kong-config.sh: the last good config stays; the next try is in $every s" >&2
  done
  ;;
round)
  shift
  round "$@"
  ;;
*)
  echo 'usage: kong-config.sh once | keep' >&2
  exit 2
  ;;
esac
