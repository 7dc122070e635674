package bundle

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// Bounds are how large a bundle may be, in bytes.
type Bounds struct {
	Packed   int64 // the archive
	Unpacked int64 // all files in it together
}

// unpack gives the files of an archive within bounds.
func unpack(packed []byte, bounds Bounds) ([]archive.File, error) {
	if int64(len(packed)) > bounds.Packed {
		return nil, fmt.Errorf("it has more than %d bytes", bounds.Packed)
	}
	return archive.Read(packed, bounds.Unpacked) //nolint:wrapcheck // it says what is wrong
}

// ReadTrusted reads a bundle that an operator has put where it lies. It is bounded as one from a server is, and trusted
// as a folder of policies is: signatures in it are not looked at. Mistakes have places name:path:line:column.
func ReadTrusted(ctx context.Context, name string, packed []byte, bounds Bounds, opts policy.Options) (*policy.Snapshot, hcl.Diagnostics) {
	files, err := unpack(packed, bounds)
	if err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Bundle not taken", Detail: "The archive is of no use: " + err.Error() + ".",
			Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	return policy.ReadTrustedBundle(ctx, name, files, opts)
}
