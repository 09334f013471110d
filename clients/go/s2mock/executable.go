package s2mock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The time in which a server starts. It is ready within a second; a machine under load takes longer.
const startTime = time.Minute

// Executable returns the command that starts a server: the program in S2MOCK_BIN; else `s2mock` on the
// PATH; else the module of a Python on the PATH that has it.
func Executable() ([]string, error) {
	if chosen := os.Getenv("S2MOCK_BIN"); chosen != "" {
		if found, err := os.Stat(chosen); err != nil || found.IsDir() {
			return nil, fmt.Errorf("S2MOCK_BIN=%s is no file: it must be the path of the executable s2mock", chosen)
		}
		return []string{chosen}, nil
	}
	if path, err := exec.LookPath("s2mock"); err == nil {
		return []string{path}, nil
	}
	var tried []string
	for _, name := range []string{"python3", "python"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		code := "import importlib.util, sys; sys.exit(importlib.util.find_spec('s2mock') is None)"
		if exec.Command(path, "-c", code).Run() == nil {
			return []string{path, "-m", "s2mock"}, nil
		}
		tried = append(tried, path)
	}
	python := "there is no Python there either"
	if len(tried) > 0 {
		python = strings.Join(tried, " and ") + " has no module s2mock"
	}
	return nil, fmt.Errorf("there is no executable: S2MOCK_BIN is not set, no s2mock is on the PATH, and %s. "+
		"`make binary` in a checkout of s2mock builds one that needs no Python, in dist/s2mock: set S2MOCK_BIN "+
		"to dist/s2mock/s2mock there, or S2MOCK_URL to the address of a running s2mock", python)
}

// serverProcess is a server that this process has started.
type serverProcess struct {
	command *exec.Cmd
	ended   chan struct{}
	url     string
}

var listening = regexp.MustCompile(`^export S2_ACCOUNT_ENDPOINT=(\S+)$`)

// startProcess starts a server on a free port. It ends with this process, also if that is killed.
func startProcess(ctx context.Context, program []string, options []string) (*serverProcess, error) {
	if len(program) == 0 {
		var err error
		if program, err = Executable(); err != nil {
			return nil, err
		}
	}
	arguments := append(append(program[1:len(program):len(program)], "--port", "0", "--with-parent"), options...)
	command := exec.Command(program[0], arguments...)
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr tail
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", program[0], err)
	}
	server := &serverProcess{command: command, ended: make(chan struct{})}
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadString('\n')
			if match := listening.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
				select {
				case found <- match[1]:
				default:
				}
			}
			if err != nil {
				break
			}
		}
		_ = command.Wait()
		close(server.ended)
	}()
	limit, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	var why string
	select {
	case server.url = <-found:
		return server, nil
	case <-server.ended:
		why = fmt.Sprintf("it ended with %s", command.ProcessState)
	case <-limit.Done():
		why = fmt.Sprintf("it was not ready: %v", context.Cause(limit))
		_ = command.Process.Kill()
		<-server.ended
	}
	text := fmt.Sprintf("%s did not start: %s\n%s", strings.Join(program, " "), why, stderr.String())
	return nil, errors.New(strings.TrimSpace(text))
}

// stop ends the server, and returns when it has ended.
func (p *serverProcess) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	if p.command.Process.Signal(syscall.SIGTERM) != nil {
		_ = p.command.Process.Kill()
	}
	<-p.ended
}

// tail keeps the last text that a process prints.
type tail struct {
	lock sync.Mutex
	text []byte
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(data []byte) (int, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.text = append(t.text, data...)
	t.text = t.text[max(0, len(t.text)-10_000):]
	return len(data), nil
}

func (t *tail) String() string {
	t.lock.Lock()
	defer t.lock.Unlock()
	return string(t.text)
}
