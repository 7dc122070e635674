package identity

import "math/big"

// guessable says whether a modulus was made by the generator of ROCA (CVE-2017-15361; Nemec et al., "The Return of
// Coppersmith's Attack"), from which the private key can be computed. To each of the first 126 primes, the last of which
// is 701, such a modulus of 2048 bits or more is a power of 65537. A sound one is that to all of them once in 2^167.
func guessable(modulus *big.Int) bool {
	for p := uint64(3); p <= 701; p++ {
		if !new(big.Int).SetUint64(p).ProbablyPrime(0) { // which is certain of numbers so small
			continue
		}
		rest := new(big.Int).Mod(modulus, new(big.Int).SetUint64(p)).Uint64()
		for power := uint64(1); power != rest; {
			if power = power * 65537 % p; power == 1 { // all powers were looked at
				return false
			}
		}
	}
	return true
}
