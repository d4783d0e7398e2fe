package jwtkey

import (
	"fmt"
	"math/big"
	"sync"
)

// smallPrimes is below what primes a modulus is tried: no key generator makes one that is
// a multiple of such a prime, and garbage that is written as a modulus mostly is.
const smallPrimes = 1 << 16

// knownFactors says why anybody can factor a modulus (RFC 8017, 3.1: a product of large
// and distinct primes), empty if that takes work. It is no proof that it takes much.
func knownFactors(n *big.Int) string {
	// One division in place of one for each prime: keys are read with every round and check.
	rest := new(big.Int).Mod(primorial(), n)
	if rest.GCD(nil, nil, rest, n).Cmp(big.NewInt(1)) != 0 {
		return fmt.Sprintf("a multiple of %d", leastDivisor(rest))
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

// primorial is the product of all small primes, of 94 thousand bits.
var primorial = sync.OnceValue(func() *big.Int {
	composite := make([]bool, smallPrimes)
	product := big.NewInt(1)
	for p := 2; p < smallPrimes; p++ {
		if composite[p] {
			continue
		}
		product.Mul(product, big.NewInt(int64(p)))
		for multiple := p * p; multiple < smallPrimes; multiple += p {
			composite[multiple] = true
		}
	}
	return product
})

// leastDivisor of a number that has a small one.
func leastDivisor(n *big.Int) int64 {
	p, rest := int64(2), new(big.Int)
	for rest.Mod(n, big.NewInt(p)).Sign() != 0 {
		p++
	}
	return p
}
