package changelog

import (
	"fmt"
	"strings"
)

// Text lays the log out for a terminal.
func (l *Log) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s from %s to %s\n\n%s, %s\n", l.API, l.From.Name, l.To(), l.From.Name, l.From.life())
	if l.From.Docs != "" {
		fmt.Fprintf(&b, "  how to leave it: %s\n", l.From.Docs)
	}
	for _, s := range l.Steps {
		fmt.Fprintf(&b, "\n%s, %s\n", s.Name, s.life())
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "\n  %s (%s): %s\n", c.Name, c.On, c.Summary)
			for _, line := range c.lines() {
				fmt.Fprintf(&b, "    %s\n", line)
			}
		}
		if len(s.Added)+len(s.Removed) > 0 {
			b.WriteByte('\n')
		}
		for _, r := range s.Added {
			fmt.Fprintf(&b, "  new: %s\n", r)
		}
		for _, r := range s.Removed {
			fmt.Fprintf(&b, "  gone: %s\n", r)
		}
		if len(s.Changes)+len(s.Added)+len(s.Removed) == 0 {
			b.WriteString("  nothing changed\n")
		}
	}
	return b.String()
}

// Markdown lays the log out as a page for callers.
func (l *Log) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: from %s to %s\n\n**%s**: %s.\n", escape(l.API), l.From.Name, l.To(), l.From.Name, l.From.life())
	if l.From.Docs != "" {
		fmt.Fprintf(&b, "[How to leave it](<%s>).\n", l.From.Docs)
	}
	for _, s := range l.Steps {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", s.Name, strings.ToUpper(s.life()[:1])+s.life()[1:])
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "\n### %s\n\n%s (`%s`)\n\n", c.Name, escape(c.Summary), c.On)
			for _, line := range c.lines() {
				class, words, _ := strings.Cut(line, " ")
				fmt.Fprintf(&b, "- **%s** %s\n", class, escape(strings.TrimLeft(words, " ")))
			}
		}
		if len(s.Added)+len(s.Removed) > 0 {
			b.WriteString("\n### Routes\n\n")
		}
		for _, r := range s.Added {
			fmt.Fprintf(&b, "- new: `%s`\n", r)
		}
		for _, r := range s.Removed {
			fmt.Fprintf(&b, "- gone: `%s`\n", r)
		}
	}
	return b.String()
}

// escape keeps Markdown from taking an operator's text for its own signs.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", "#", `\#`).Replace(text)
}

// To is the version moved to.
func (l *Log) To() string {
	if len(l.Steps) == 0 {
		return l.From.Name
	}
	return l.Steps[len(l.Steps)-1].Name
}

// lines tell what was done to the object, by the operations' classes, and what is lost on the way.
func (c *Change) lines() []string {
	var all []string
	for _, o := range c.Operations {
		line := fmt.Sprintf("%-4s %s", o.Class, o.Text)
		if o.Loss != "" {
			line += "; " + o.Loss
		}
		if o.Accept != "" {
			line += " (" + o.Accept + ")"
		}
		all = append(all, line)
	}
	for _, p := range c.Params {
		all = append(all, fmt.Sprintf("%-4s the query parameter %s is called %s", Iso, p.Old, p.New))
	}
	return all
}
