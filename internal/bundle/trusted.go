package bundle

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/policy"
)

// ReadTrusted reads a bundle that an operator has put where it lies. It is bounded as one from a server is, and trusted
// as a folder of policies is: signatures in it are not looked at. Mistakes have places name:path:line:column.
func ReadTrusted(ctx context.Context, name string, archive []byte, bounds Bounds, opts policy.Options) (*policy.Snapshot, hcl.Diagnostics) {
	var err error
	if int64(len(archive)) > bounds.Packed {
		err = fmt.Errorf("it has more than %d bytes", bounds.Packed)
	} else {
		err = inspect(archive, bounds)
	}
	if err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Bundle not taken", Detail: "The archive is of no use: " + err.Error() + ".",
			Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	return policy.ReadTrustedBundle(ctx, name, archive, bounds.Unpacked, opts)
}
