package main

import (
	"flag"
	"os"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the page anew")

// TestLicences fails if a module is linked whose licence is not known to allow that, and if the page is not current.
func TestLicences(t *testing.T) {
	const page = "../../docs/licences.md"
	now, err := write()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was, err := os.ReadFile(page); err != nil || string(was) != now {
		t.Errorf("docs/licences.md is not current (%v): go test ./cmd/licences -update", err)
	}
}

func TestIdentify(t *testing.T) {
	const bsd = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted"
	for text, want := range map[string][]string{
		"Apache License\n  Version 2.0, January 2004":                                    {"Apache-2.0"},
		"Apache License\n  Version 1.1":                                                  nil,
		"Permission is hereby granted, free of charge,\n to any person obtaining a copy": {"MIT"},
		bsd: {"BSD-2-Clause"},
		" * " + bsd + "\n * Neither the name of X\n * may be used to endorse or promote products":                         {"BSD-3-Clause"},
		"Mozilla Public License Version 2.0 … the GNU General Public License, Version 2.0":                                {"MPL-2.0"},
		"GNU GENERAL PUBLIC LICENSE Version 3":                                                                            nil,
		"GNU AFFERO GENERAL PUBLIC LICENSE":                                                                               nil,
		"Commons Clause … Apache License Version 2.0":                                                                     nil,
		"Permission is hereby granted, free of charge, to any person obtaining a copy; GNU Lesser General Public License": nil,
		"All rights reserved.": nil,
	} {
		if got := identify(text); !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
