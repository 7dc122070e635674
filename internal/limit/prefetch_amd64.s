//go:build amd64

#include "textflag.h"

// func prefetch(sl *slot)
TEXT ·prefetch(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ sl+0(FP), AX
	BYTE $0x0f; BYTE $0x0d; BYTE $0x08 // PREFETCHW (AX), which Go's assembler has no name for; no operation where it is not known
	RET
