package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Watched runs a master and a replica of it, and a sentinel that watches them and has the replica take over some seconds
// after the master is gone; not earlier, or it would do so where a slow machine only let the master wait. They ask for
// passwords, the sentinel for one of its own, where these are not "".
func Watched(t testing.TB, password, sentinels string) (master, replica, sentinel *Server) {
	t.Helper()
	args := []string{"--repl-diskless-sync-delay", "0"}
	if password != "" {
		args = append(args, "--requirepass", password, "--masterauth", password)
	}
	master = guarded(t, password, args...)
	replica = guarded(t, password, append(args, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.port))...)
	replica.Within(60*time.Second, "the replica follows", func() bool {
		return strings.Contains(replica.CLI("INFO", "replication"), "master_link_status:up")
	})
	sentinel = &Server{t: t, port: port(t), folder: t.TempDir(), password: sentinels}
	sentinel.Address = sentinel.listens()
	file := filepath.Join(sentinel.folder, "sentinel.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %s\nsentinel monitor gw 127.0.0.1 %d 1\nsentinel down-after-milliseconds gw 2000\nsentinel failover-timeout gw 3000\n",
		sentinel.port, sentinel.folder, master.port)
	if password != "" {
		text += "sentinel auth-pass gw " + password + "\n"
	}
	if sentinels != "" {
		text += "requirepass " + sentinels + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel.run(Need(t), file, "--sentinel")
	t.Cleanup(sentinel.Kill)
	sentinel.Within(60*time.Second, "the sentinel knows both", func() bool {
		return sentinel.ask("PING\r\n") != "" && strings.Contains(sentinel.CLI("SENTINEL", "replicas", "gw"), strconv.Itoa(replica.port))
	})
	return master, replica, sentinel
}

// Cluster runs three masters with a third of the slots each, and a replica of the one that has slots of the key.
func Cluster(t testing.TB, key string) (servers []*Server, master, replica *Server) {
	t.Helper()
	create := []string{"--cluster", "create"}
	for range 3 {
		servers = append(servers, member(t))
		create = append(create, servers[len(servers)-1].Address)
	}
	create = append(create, "--cluster-replicas", "0", "--cluster-yes")
	if out, err := exec.Command("redis-cli", create...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range servers {
		s.Within(60*time.Second, "the cluster is whole", func() bool { return strings.Contains(s.CLI("CLUSTER", "INFO"), "cluster_state:ok") })
	}
	for _, s := range servers {
		if !strings.Contains(s.CLI("GET", key), "MOVED") {
			master = s
		}
	}
	replica = member(t)
	host, number, _ := strings.Cut(master.Address, ":")
	replica.CLI("CLUSTER", "MEET", host, number)
	id := master.CLI("CLUSTER", "MYID")
	replica.Within(60*time.Second, "it knows its master", func() bool { return strings.HasPrefix(replica.CLI("CLUSTER", "REPLICATE", id), "OK") })
	replica.Within(60*time.Second, "it follows, and all know it", func() bool {
		for _, s := range servers {
			if !strings.Contains(s.CLI("CLUSTER", "NODES"), net.JoinHostPort(host, strconv.Itoa(replica.port))) {
				return false
			}
		}
		return strings.Contains(replica.CLI("INFO", "replication"), "master_link_status:up") && strings.Contains(replica.CLI("CLUSTER", "INFO"), "cluster_state:ok")
	})
	return append(servers, replica), master, replica
}

// Follows waits until the server knows all that its master has been told. WAIT tells that only of the connection that it is
// sent on.
func (s *Server) Follows(master *Server) {
	s.t.Helper()
	told := master.offset("master_repl_offset:")
	s.Within(30*time.Second, "the replica knows what its master knows", func() bool { return s.offset("slave_repl_offset:") >= told })
}

func (s *Server) offset(name string) int {
	s.t.Helper()
	_, after, _ := strings.Cut(s.CLI("INFO", "replication"), name)
	digits, _, _ := strings.Cut(after, "\r")
	n, err := strconv.Atoi(digits)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func member(t testing.TB) *Server {
	return Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "3000", "--cluster-require-full-coverage", "no",
		"--repl-diskless-sync-delay", "0")
}
