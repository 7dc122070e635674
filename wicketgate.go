// Package wicketgate is an API gateway for Caddy. It holds nothing itself: importing it links every module of the
// gateway into a Caddy binary, which is what
//
//	xcaddy build --with github.com/wicketgate/wicketgate
//
// does. The imports stand in the order in which a request meets the modules.
package wicketgate
