// Package certificate tells what a client certificate says, in the same words wherever they are used: in policies, in
// expressions and to identify a caller.
package certificate

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/netip"
)

// Fingerprint is the SHA-256 of the whole certificate, in hexadecimal, as Caddy's {tls_client_fingerprint} has it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// URIs are the alternative names that are URIs, such as SPIFFE's.
func URIs(c *x509.Certificate) []string {
	all := make([]string, len(c.URIs))
	for i, u := range c.URIs {
		all[i] = u.String()
	}
	return all
}

// IPs are the alternative names that are addresses.
func IPs(c *x509.Certificate) []string {
	var all []string
	for _, ip := range c.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			all = append(all, addr.Unmap().String())
		}
	}
	return all
}

// Name is whom a certificate names: the common name of its subject or, where it has none, the first of its alternative
// names, URIs (SPIFFE) before host names before addresses of mail; "" for nobody.
func Name(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	}
	return ""
}
