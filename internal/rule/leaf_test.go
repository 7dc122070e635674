package rule

import (
	"fmt"
	"testing"
)

// Conditions with what is written out say the same of every value by the body's index, and fail with the same words.
func TestConditionsOfLeaves(t *testing.T) {
	values := []string{
		`0`, `1`, `-1`, `7`, `1.0`, `7e0`, `0.07e2`, `-0`, `999999999999999999`, `1000000000000000000`, `9223372036854775808`, `1e300`,
		`""`, `"a"`, `"b"`, `"\u0061"`, `"ab"`, `"7"`, `"é"`, `true`, `false`, `null`, `[]`, `["a"]`, `[7]`, `{}`, `{"a":7}`,
	}
	for _, condition := range []string{
		`%s > 0`, `%s >= 7`, `%s < 7`, `%s <= -1`, `%s > 999999999999999999`, `%s in 1..7`, `%s in -1..0`, `%s == 7`, `7 == %s`, `%s == "a"`, `"a" != %s`,
		`%s == nil`, `%s in ["a", "b"]`, `%s in ["a", 7, nil, true]`, `%s not in ["a", "7"]`, `%s matches "^[a-b]+$"`, `not (%s matches "7")`,
	} {
		for _, value := range values {
			for _, place := range []struct{ text, body string }{
				{fmt.Sprintf(condition, "body.x"), fmt.Sprintf(`{"y":"x","x":%s}`, value)},
				{fmt.Sprintf(condition, "body.o.x"), fmt.Sprintf(`{"o":{"y":{"x":1},"x":%s}}`, value)},
				{"all(body.l, " + fmt.Sprintf(condition, ".x") + ")", fmt.Sprintf(`{"l":[{"y":{"x":1},"\u0078":%s}]}`, value)},
				{"any(body.l, " + fmt.Sprintf(condition, "#") + ")", fmt.Sprintf(`{"l":[%s]}`, value)},
				{"none(body.l, " + fmt.Sprintf(condition, ".x") + ")", fmt.Sprintf(`{"l":[%s,{"x":%[1]s}]}`, value)},
				{fmt.Sprintf(condition, "body.o?.x"), fmt.Sprintf(`{"o":%s}`, value)},
			} {
				p, diags := fromText(place.text, everything, Any)
				if diags.HasErrors() {
					t.Fatalf("%s: %s", place.text, diags)
				}
				valueOf(t, p, request(place.body))
			}
		}
	}
}
