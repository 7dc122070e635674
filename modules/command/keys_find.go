package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

// find is the key file that a command works on: the one that is named, or the only one that the configuration names.
func (o *keysOptions) find() (string, error) {
	if o.file != "" {
		return o.file, nil
	}
	raw, app, err := configuration(o.config, o.adapter)
	if errors.Is(err, errNoCaddyfile) {
		return "", errors.New("there is no Caddyfile in this folder; name the key file with --file, or a configuration with --config")
	}
	if err != nil {
		return "", err
	}
	files, err := keyFiles(raw, app)
	switch {
	case err != nil:
		return "", err
	case len(files) == 0:
		return "", errors.New("the configuration names no key file; name one with --file")
	case len(files) > 1:
		return "", fmt.Errorf("the configuration names several key files; say which with --file: %s", strings.Join(files, ", "))
	}
	return files[0], nil
}

// keyFiles lists the key files that a configuration names: those of its handlers, and those of the catalogue, whatever
// mistakes there are in it besides.
func keyFiles(raw []byte, app json.RawMessage) ([]string, error) {
	var whole any
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	files := keysOf(whole, nil)
	if app != nil {
		var from struct {
			Catalogue []string          `json:"catalogue"`
			Variables map[string]string `json:"variables"`
		}
		if err := json.Unmarshal(app, &from); err != nil {
			return nil, fmt.Errorf("reading the configuration of api_gateway: %w", err)
		}
		if len(from.Catalogue) > 0 {
			loaded, _, _ := catalogue.Load(from.Catalogue, from.Variables)
			for _, i := range loaded.Identities {
				if i.APIKey != nil && i.APIKey.Keys.Path != "" {
					files = append(files, i.APIKey.Keys.Path)
				}
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// keysOf adds the key files in a part of a configuration, wherever in it api_key stands.
func keysOf(part any, files []string) []string {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			files = keysOf(p, files)
		}
	case map[string]any:
		if method, ok := part["api_key"].(map[string]any); ok {
			if path, ok := method["keys"].(string); ok && path != "" {
				files = append(files, path)
			}
		}
		for _, p := range part {
			files = keysOf(p, files)
		}
	}
	return files
}
