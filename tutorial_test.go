package wicketgate_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// fence is a fenced block of a page: its language, the file that it is or changes, and its text.
type fence struct{ language, file, text string }

func fenced(page string) []fence {
	var all []fence
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		all = append(all, fence{m[1], m[2], m[3]})
	}
	return all
}

// TestTutorial does what docs/tutorial.md says, in a folder that is empty: it writes the files and changes them, runs the
// commands with the built binary, and holds their output against the page's. The ports of the page are replaced by free
// ones, in the files as in the commands.
func TestTutorial(t *testing.T) {
	page := string(read(t, "docs/tutorial.md"))
	r := &reader{dir: t.TempDir(), ports: strings.NewReplacer(":8443", ":"+strconv.Itoa(gatewaytest.FreePort(t)), ":9000", ":"+strconv.Itoa(gatewaytest.FreePort(t)))}
	r.admin = "localhost:" + strconv.Itoa(gatewaytest.FreePort(t))
	r.open(t, build(t))
	for _, f := range fenced(page) {
		switch {
		case f.language == "console":
			for _, s := range console("```console\n" + f.text + "```") {
				r.do(t, s)
			}
		case f.file == "":
			t.Fatalf("the page does not say which file this is:\n%s", f.text)
		case !strings.Contains(page, "`"+f.file+"`:\n\n```"+f.language+" "+f.file+"\n"):
			t.Errorf("above a change of %s there is no line that ends in its name and a colon", f.file)
		case f.language == "diff":
			r.change(t, f)
		default:
			r.write(t, f.file, f.text)
		}
	}
	if r.ran < 25 {
		t.Errorf("only %d commands ran", r.ran)
	}
}

// reader is who follows a page: a shell, and Caddy in a terminal of its own.
type reader struct {
	dir, admin string
	ports      *strings.Replacer
	env        []string
	shell      *exec.Cmd
	to         *os.File
	from       *bufio.Reader
	caddy      string
	runs       bool
	changed    bool // a file, since the gateway was asked to look
	ran        int
}

// open gives the reader a shell.
func (r *reader) open(t *testing.T, binary string) {
	t.Helper()
	r.caddy = binary
	home := t.TempDir()
	r.env = append(os.Environ(), "CADDY_ADMIN="+r.admin, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	stdin, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.to = to
	r.shell = exec.Command("bash")
	r.shell.Dir, r.shell.Env, r.shell.Stdin = r.dir, r.env, stdin
	out, err := r.shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.from = bufio.NewReader(out)
	if err := r.shell.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Close()                                                             //nolint:errcheck // the shell has it
	hangs := time.AfterFunc(5*time.Minute, func() { r.shell.Process.Kill() }) //nolint:errcheck // it may be gone
	t.Cleanup(func() {
		hangs.Stop()
		to.Close()     //nolint:errcheck // the shell ends by it
		r.shell.Wait() //nolint:errcheck // nobody asks
	})
}

// do runs a command of the page, and compares.
func (r *reader) do(t *testing.T, s step) {
	t.Helper()
	r.ran++
	if s.command == "caddy run" {
		r.run(t)
		return
	}
	if r.changed && r.runs {
		r.settle(t)
	}
	const mark = "--done--"
	if _, err := fmt.Fprintf(r.to, "%s\nprintf '\\n%s\\n'\n", r.ports.Replace(s.command), mark); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for {
		line, err := r.from.ReadString('\n')
		if err != nil {
			t.Fatalf("$ %s\nended the shell: %v\n%s", s.command, err, got.String())
		}
		if line == mark+"\n" {
			break
		}
		got.WriteString(strings.ReplaceAll(line, "\r", "")) // at the ends of header fields
	}
	if got, want := strings.TrimSpace(got.String()), r.ports.Replace(s.answer); !like(want, got) {
		t.Errorf("$ %s\ngave\n%s\nand the page says\n%s", s.command, got, want)
	}
}

// run is `caddy run`.
func (r *reader) run(t *testing.T) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	caddy := exec.Command(r.caddy, "run")
	caddy.Dir, caddy.Env, caddy.Stdout, caddy.Stderr = r.dir, r.env, log, log
	if err := caddy.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- caddy.Wait() }()
	t.Cleanup(func() {
		stop(t, caddy, done)
		log.Close() //nolint:errcheck // only read from now on
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("Caddy's log:\n%s", said)
		}
	})
	port, err := strconv.Atoi(strings.TrimPrefix(r.ports.Replace(":8443"), ":"))
	if err != nil {
		t.Fatal(err)
	}
	(&running{https: port, data: filepath.Join(r.dir, ".data")}).wait(t, done)
	r.runs = true
}

// settle has the gateway look at its files now. A Caddy without a gateway answers 404, which is as good.
func (r *reader) settle(t *testing.T) {
	t.Helper()
	res, err := http.Post("http://"+r.admin+"/api_gateway/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close() //nolint:errcheck // nothing of it is read
	r.changed = false
}

// write saves a file.
func (r *reader) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(r.ports.Replace(text)), 0o644); err != nil {
		t.Fatal(err)
	}
	r.changed = true
}

// change makes a change that the page shows: its lines but those with a + must stand in the file, once and as they are.
func (r *reader) change(t *testing.T, f fence) {
	t.Helper()
	was, err := os.ReadFile(filepath.Join(r.dir, f.file))
	if err != nil {
		t.Fatal(err)
	}
	var before, after strings.Builder
	for line := range strings.Lines(r.ports.Replace(f.text)) {
		sign, rest := line[0], line[1:]
		if sign != '+' {
			before.WriteString(rest)
		}
		if sign != '-' {
			after.WriteString(rest)
		}
	}
	if n := strings.Count(string(was), before.String()); n != 1 {
		t.Fatalf("%s has these lines %d times:\n%s\nIt is\n%s", f.file, n, before.String(), was)
	}
	r.write(t, f.file, strings.Replace(string(was), before.String(), after.String(), 1))
}
