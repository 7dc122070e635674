package catalogue

import "github.com/hashicorp/hcl/v2/hclwrite"

// Format writes a catalogue's source the way everybody's looks. It changes spaces alone, so that a file with mistakes
// stays the file it is.
func Format(src []byte) []byte { return hclwrite.Format(src) }
