package limit_test

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/limittest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	limittest.Counter(t, func(*testing.T) limit.Counter { return limit.NewMemory(0) })
}
