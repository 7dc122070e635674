package main

import (
	"fmt"
	"slices"
	"strings"
)

// column is one of a table, and says whether it is held against the first gateway's.
type column struct {
	name, format string
	against      bool
}

// row is what was measured in one round.
type row struct {
	round         int
	what, gateway string
	values        []float64 // of each column
}

// table shows medians with their ranges, and the medians of the ratios to the first gateway within a round.
func table(columns []column, rows []row, first string) string {
	var b strings.Builder
	b.WriteString("| | |")
	for _, c := range columns {
		b.WriteString(" " + c.name + " |")
		if c.against {
			b.WriteString(" × |")
		}
	}
	b.WriteString("\n|---|---|")
	for _, c := range columns {
		b.WriteString("---|")
		if c.against {
			b.WriteString("---|")
		}
	}
	b.WriteString("\n")
	type key struct{ what, gateway string }
	var order []key
	of := map[key][]row{}
	for _, r := range rows {
		k := key{r.what, r.gateway}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], r)
	}
	var whats []string
	for _, k := range order {
		if !slices.Contains(whats, k.what) {
			whats = append(whats, k.what)
		}
	}
	slices.SortStableFunc(order, func(a, b key) int { return slices.Index(whats, a.what) - slices.Index(whats, b.what) })
	for _, k := range order {
		fmt.Fprintf(&b, "| %s | `%s` |", k.what, k.gateway)
		for i, c := range columns {
			var values, ratios []float64
			for _, r := range of[k] {
				values = append(values, r.values[i])
				for _, beside := range of[key{k.what, first}] {
					if beside.round == r.round && beside.values[i] > 0 {
						ratios = append(ratios, r.values[i]/beside.values[i])
					}
				}
			}
			b.WriteString(" " + spread(values, c.format) + " |")
			if c.against {
				b.WriteString(" " + spread(ratios, "%.2f") + " |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// spread is the middle one of values, and where there are several the least and the most.
func spread(values []float64, format string) string {
	if len(values) == 0 {
		return ""
	}
	slices.Sort(values)
	middle := fmt.Sprintf(format, values[len(values)/2])
	if len(values) == 1 || values[0] == values[len(values)-1] {
		return middle
	}
	return fmt.Sprintf("%s ["+format+"–"+format+"]", middle, values[0], values[len(values)-1])
}
