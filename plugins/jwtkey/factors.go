package jwtkey

import (
	"fmt"
	"math/big"
)

// smallPrimes is below what primes a modulus is tried: no key generator makes one that is
// a multiple of such a prime, and garbage that is written as a modulus mostly is.
const smallPrimes = 1 << 16

// knownFactors says why anybody can factor a modulus (RFC 8017, 3.1: a product of large
// and distinct primes), empty if that takes work. It is no proof that it takes much.
func knownFactors(n *big.Int) string {
	rest := new(big.Int)
	for p := int64(2); p < smallPrimes; p++ {
		if rest.Mod(n, big.NewInt(p)).Sign() == 0 { // the least divisor is a prime
			return fmt.Sprintf("a multiple of %d", p)
		}
	}
	root := new(big.Int).Sqrt(n)
	switch {
	case root.Mul(root, root).Cmp(n) == 0:
		return "a square"
	case n.ProbablyPrime(0): // Baillie-PSW: no number is known that it errs about
		return "a prime"
	}
	return ""
}
