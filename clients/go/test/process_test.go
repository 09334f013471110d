package test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

// The test binary runs as a program of its own, too: with this variable, it does what is named there.
const role = "S2MOCK_TEST_ROLE"

type program func() int

func (p program) Run() int { return p() }

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		s2mock.Main(m)
	case "leave":
		// It ends without stopping its server.
		server, err := s2mock.StartServer(ctx, s2mock.ServerOptions{Options: []string{"--deletion-delay", "0"}})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(server.URL())
		os.Exit(0)
	case "main":
		s2mock.Main(program(func() int {
			fmt.Println(os.Getenv("S2MOCK_URL"))
			return 7
		}))
	}
}

// start runs this binary in a role, without the server of this process.
func start(t *testing.T, name string) (*exec.Cmd, string) {
	t.Helper()
	command := exec.Command(ok(os.Executable())(t))
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "S2MOCK_URL=") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, role+"="+name)
	command.Stderr = os.Stderr
	output := ok(command.StdoutPipe())(t)
	noError(t, command.Start())
	line, _ := bufio.NewReader(output).ReadString('\n')
	return command, strings.TrimSpace(line)
}

// untilGone returns when no server is at an address.
func untilGone(url string) {
	for {
		response, err := http.Get(url + "/health")
		if err != nil {
			return
		}
		response.Body.Close()
	}
}

func TestServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	command, url := start(t, "leave")
	noError(t, command.Wait())
	contains(t, url, "http://127.0.0.1:")
	untilGone(url)
}

func TestMainHasTheAddressForOtherProcessesAndTheStatusOfTheTests(t *testing.T) {
	t.Parallel()
	command, url := start(t, "main")
	_ = command.Wait()
	equal(t, command.ProcessState.ExitCode(), 7)
	contains(t, url, "http://127.0.0.1:")
	untilGone(url)
}

func TestServerOfAnotherProcessIsUsed(t *testing.T) {
	t.Parallel()
	first := ok(s2mock.StartServer(ctx, s2mock.ServerOptions{Options: []string{"--deletion-delay", "1"}}))(t)
	// It is that of Main, by S2MOCK_URL.
	equal(t, first.URL(), s2mock.Start(t).URL())
	account := ok(first.NewAccount(ctx, shop))(t)
	noError(t, first.Stop(ctx))
	noError(t, first.Stop(ctx))
	if _, err := account.Journal.Of(ctx, s2mock.Filter{}); err == nil {
		t.Fatal("the account goes on")
	}
	// The server goes on.
	equal(t, s2mock.Start(t).Version != "", true)
	ok(s2mock.Start(t).Accounts(ctx))(t)
}
