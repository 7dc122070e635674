package policies

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// library parses the packages of the library, by the name of their folder.
func library(t *testing.T) map[string]*ast.Module {
	t.Helper()
	found, err := filepath.Glob("wicketgate/*/*.rego")
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]*ast.Module{}
	for _, path := range found {
		if strings.HasSuffix(path, "_test.rego") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		module, err := ast.ParseModuleWithOpts(path, string(src), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		if err != nil {
			t.Fatal(err)
		}
		modules[filepath.Base(filepath.Dir(path))] = module
	}
	if len(modules) == 0 {
		t.Fatal("no library found")
	}
	return modules
}

// TestLibraryIsDescribed wants a title and a description of each package, and a title of each rule.
func TestLibraryIsDescribed(t *testing.T) {
	for folder, module := range library(t) {
		if want := "data.wicketgate." + folder; module.Package.Path.String() != want {
			t.Errorf("%s is package %s, want %s", folder, module.Package.Path, want)
		}
		described := map[string]bool{}
		for _, a := range module.Annotations {
			if a.Title == "" || a.Scope == "package" && a.Description == "" {
				t.Errorf("%s: no title, or no description of the package", a.Location)
			}
			if ref := a.GetTargetPath(); ref != nil {
				described[ref.String()] = true
			}
		}
		for _, rule := range module.Rules {
			if ref := rule.Ref(); !described[ref.String()] {
				t.Errorf("%s: %s has no METADATA", rule.Location, ref)
			}
		}
	}
}

// TestLibraryReadsOnlyItsArguments keeps the library out of input and of data: what a function is not given it does
// not read, so that the gateway builds for a policy what the policy itself names, and so that the library works with
// other values too.
func TestLibraryReadsOnlyItsArguments(t *testing.T) {
	for _, module := range library(t) {
		for _, rule := range module.Rules {
			ast.WalkRefs(rule, func(ref ast.Ref) bool {
				if ref[0].Equal(ast.InputRootDocument) || ref[0].Equal(ast.DefaultRootDocument) {
					t.Errorf("%s: %s is not an argument", ref[0].Location, ref)
				}
				return false
			})
		}
	}
}

// uses is for each package of the library a policy that uses all it has for policies, and what the policy sees of input.
var uses = map[string]struct{ policy, reach string }{
	"roles": {`
held := roles.claimed(input.consumer) | roles.assigned(data.assigned, input.consumer) | roles.of_groups(data.groups, input.consumer)
allow if roles.grants(data.roles, roles.with_inherited(data.inherits, held), "orders:read")
allow if "orders:read" in roles.permissions(data.roles, held)`, "input.consumer.claims.role input.consumer.claims.roles input.consumer.groups input.consumer.id input.consumer.method"},
	"ownership": {`
allow if ownership.owns(input.consumer, {"owner": ownership.owner_of(input.api.parameters.id, "-")})`, "input.api.parameters.id input.consumer.groups input.consumer.id"},
	"tenants": {`
held := tenants.claimed(input.consumer, "tenant") | tenants.assigned(data.tenants, input.consumer)
allow if tenants.holds(tenants.with_below(data.children, held), {"tenant": input.api.parameters.tenant})`, "input.api.parameters.tenant input.consumer.claims input.consumer.id input.consumer.method"},
	"scopes": {`
allow if scopes.allows(input.consumer, {"orders.read"})
allow if scopes.allows_any(input.consumer, {"orders.read"})
allow if scopes.allows_route(data.scopes, input.consumer, input.api.route)
headers := {"www-authenticate": scopes.challenge(scopes.missing_on_route(data.scopes, input.consumer, input.api.route))} if not allow
reasons contains scope if some scope in scopes.missing(input.consumer, {"orders.read"})`, "input.api.route input.consumer.scopes"},
	"windows": {`
allow if windows.open(data.office, input.time)
allow if windows.between(input.time, "2026-11-27T00:00:00Z", "2026-12-01T00:00:00Z")
reasons contains windows.clock(input.time, "UTC")
reasons contains windows.date(input.time, "UTC")
reasons contains windows.weekday(input.time, "UTC")`, "input.time"},
	"networks": {`
allow if networks.has(data.office, input.request.address)
allow if networks.excludes(data.blocked, input.request.address)
reasons contains name if some name in networks.named(data.named, input.request.address)`, "input.request.address"},
	"obligations": {`
allow if count(quotas) + count(hidden) + count(own) + count(theirs) > 4
hidden := obligations.hidden(data.fields, {scope | some scope in input.consumer.scopes})
own := obligations.own_items("/data", input.consumer)
theirs := obligations.tenant_items("/data", input.consumer.claims.tenant)
quotas := obligations.quotas(data.plans, input.consumer.groups)`, "input.consumer.claims.tenant input.consumer.groups input.consumer.id input.consumer.scopes"},
}

// TestLibraryReachesLittle holds that using the library makes the gateway read no body, query or header field, nothing
// else of a request than the policy names, and that decisions by it can be remembered.
func TestLibraryReachesLittle(t *testing.T) {
	for folder, module := range library(t) {
		use, ok := uses[folder]
		if !ok {
			t.Errorf("no policy of this test uses %s", folder)
		}
		for _, rule := range module.Rules {
			name := rule.Head.Name.String()
			if described := slices.ContainsFunc(module.Annotations, func(a *ast.Annotations) bool {
				return a.Description != "" && strings.Contains(a.Description, name+"(") && a.GetTargetPath().Equal(rule.Ref())
			}); described && !strings.Contains(use.policy, folder+"."+name+"(") {
				t.Errorf("the policy of this test does not use %s.%s", folder, name)
			}
		}
		snapshot := app(t, folder, use.policy)
		query, diags := snapshot.Prepare("data.app", hcl.Range{})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if needs := query.Needs(); !reflect.DeepEqual(needs, exchange.Needs{}) {
			t.Errorf("a policy that uses %s needs %+v", folder, needs)
		}
		if reach := query.Reach(); strings.Join(reach.Input(), " ") != use.reach || len(reach.Impure()) != 0 {
			t.Errorf("a policy that uses %s sees %v, want %s; and calls %v", folder, reach.Input(), use.reach, reach.Impure())
		}
	}
}

// app loads a policy, data.app, that uses a package of the library.
func app(t *testing.T, folder, rules string) *policy.Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.rego")
	text := "package app\n\nimport data.wicketgate." + folder + "\n" + rules + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot, diags := policy.Load(context.Background(), []string{"wicketgate", path}, policy.Options{Limit: 10 * time.Second})
	if diags.HasErrors() {
		t.Fatalf("%s\n%v", text, diags)
	}
	return snapshot
}

// TestPage wants each package of the library in the table of docs/policies.md, with an example that compiles.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	for folder := range library(t) {
		row := regexp.MustCompile("(?m)^\\| \\[`data\\.wicketgate\\." + folder + "`\\].*\\| `(" + folder + "\\..*)` \\|$").FindSubmatch(page)
		if row == nil {
			t.Errorf("the page has no row with an example of %s", folder)
			continue
		}
		app(t, folder, "allow if "+string(row[1]))
	}
}
