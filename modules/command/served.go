package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	gatewaycore "github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// served is what a configuration serves, looked at without serving it.
type served struct {
	catalogue *catalogue.Catalogue
	gateway   *gatewaycore.Gateway
}

// source are the flags that name a configuration.
type source struct{ config, adapter string }

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.config, "config", "c", "", "Configuration file (default: the Caddyfile of this folder)")
	cmd.Flags().StringVarP(&s.adapter, "adapter", "a", "", "Name of the config adapter to apply")
}

// load loads what is served; mistakes in it are printed to w.
func (s *source) load(w io.Writer) (*served, error) {
	_, app, err := configuration(s.config, s.adapter)
	if err != nil {
		return nil, err
	}
	if app == nil {
		return nil, errors.New("the configuration has no global option api_gateway")
	}
	to := &served{}
	err = alone(w, func(ctx caddy.Context) (err error) {
		line := waiting("loading the catalogue")
		defer line.Stop()
		to.catalogue, to.gateway, err = gateway.Inspect(ctx, app)
		return err
	})
	return to, err
}

// api finds an API by its label; where there is but one, it need not be named.
func (s *served) api(name string) (*catalogue.API, error) {
	apis := s.catalogue.APIs
	if name == "" && len(apis) == 1 {
		return apis[0], nil
	}
	i := slices.IndexFunc(apis, func(a *catalogue.API) bool { return a.Name == name })
	if i >= 0 {
		return apis[i], nil
	}
	var names []string
	for _, a := range apis {
		names = append(names, a.Name)
	}
	if name == "" {
		return nil, fmt.Errorf("name one of the APIs: %s", strings.Join(names, ", "))
	}
	return nil, missing("API", name, names)
}

// version finds a version of an API by its label; the newest where none is named.
func version(a *catalogue.API, name string) (*catalogue.Version, error) {
	if name == "" {
		return a.Newest(), nil
	}
	var names []string
	for _, v := range a.Versions {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the API %q has no versions", a.Name)
	}
	return nil, missing("version", name, names)
}

func missing(what, name string, names []string) error {
	return fmt.Errorf("there is no %s %q.%s There are: %s", what, name, diagnostic.DidYouMean(name, names), strings.Join(names, ", "))
}
