package command

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var hooks = map[string]string{
	"Caddyfile": `{
	api_gateway {
		catalogue hooks.hcl
	}
}
`,
	"hooks.hcl": `secret "hook" { file = "hook.secret" }
upstream "shop" { servers = ["http://shop.internal"] }
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.hook] }
  dedupe {
    key  = body.id
    keep = "72h"
  }
  deliver {
    to   = upstream.shop
    path = "/stripe"
    sign = secret.hook
  }
}
api "notes" {
  base_path = "/"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  route "GET /notes" {}
}
`,
	"hook.secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
	"all.case.hcl": `locals {
  event = { id = "evt_1", type = "paid" }
}

case "signed an hour before the clock" {
  at = "2026-11-01T12:00:00Z"
  request "POST /hooks/stripe" {
    headers = { "Stripe-Signature" = "t=1793530800,v1=ececd5fb80023be6c6608bd85269e3410b71de0d0e574b6a187eff59c1ba202f" }
    text    = "{\"id\":\"evt_1\"}"
  }
  expect {
    status = 403
    stage  = "receive"
  }
}

case "signed by the clock" {
  at = "2026-11-01T11:00:00Z"
  request "POST /hooks/stripe" {
    # printf %s '1793530800.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
    headers = { "Stripe-Signature" = "t=1793530800,v1=ececd5fb80023be6c6608bd85269e3410b71de0d0e574b6a187eff59c1ba202f" }
    text    = "{\"id\":\"evt_1\"}"
  }
  expect {
    status = 200
    upstream "POST /stripe" { text = "{\"id\":\"evt_1\"}" }
  }
}

case "not signed" {
  request "POST /hooks/stripe" { body = local.event }
  expect {
    problem   = "invalid-signature"
    forwarded = false
  }
}

case "known, and not any more" {
  step "first" {
    at = "2026-11-01T12:00:00Z"
    request "POST /hooks/stripe" {
      signed = true
      body   = local.event
    }
    upstream { status = 500 } # it would be tried again
    expect {
      status = 200
      upstream "POST /stripe" { body = local.event }
    }
  }
  step "again" {
    at = "2026-11-04T11:59:59Z"
    request "POST /hooks/stripe" {
      signed = true
      body   = local.event
      times  = 3
    }
    expect {
      status    = 200
      forwarded = false
    }
  }
  step "after 72 hours" {
    at = "2026-11-04T12:00:00Z"
    request "POST /hooks/stripe" {
      signed = true
      body   = local.event
    }
    expect {
      forwarded = true
    }
  }
}

case "no webhook" {
  request "GET /notes" { signed = true }
  expect { status = 204 }
}

case "another path" {
  request "POST /hooks/stripe" {
    signed = true
    body   = local.event
  }
  expect {
    upstream "POST /other" {}
  }
}
`,
}

// TestHooks has calls to a webhook in cases: real signatures are verified by the case's clock, and what is kept is delivered.
func TestHooks(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, hooks)
	var out, mistakes bytes.Buffer
	_, err := (&testOptions{source: source{config: "Caddyfile"}, format: "text"}).once(t.Context(), &out, &mistakes)
	if !errors.Is(err, errFailed) {
		t.Fatalf("got %v\n%s", err, mistakes.String())
	}
	for _, want := range []string{
		"4 passed, 2 failed\n",
		"all.case.hcl: no webhook\n  all.case.hcl:76:35: error: Nobody asks who signed\n",
		"all.case.hcl: another path\n  all.case.hcl:86:5: error: Another request forwarded\n",
		"Expected POST /other to reach the upstream, not POST /stripe.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
