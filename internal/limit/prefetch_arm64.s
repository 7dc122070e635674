//go:build arm64

#include "textflag.h"

// func prefetch(sl *slot)
TEXT ·prefetch(SB), NOSPLIT|NOFRAME, $0-8
	MOVD sl+0(FP), R0
	PRFM (R0), PSTL1KEEP
	RET
