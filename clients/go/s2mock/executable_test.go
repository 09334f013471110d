package s2mock

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program writes a program into a folder, and returns its path.
func program(t *testing.T, folder, name, code string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+code+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// onPath lets a folder be all of the PATH, and S2MOCK_BIN be what is given.
func onPath(t *testing.T, folder, chosen string) {
	t.Helper()
	t.Setenv("PATH", folder)
	t.Setenv("S2MOCK_BIN", chosen)
}

func refused(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Fatalf("%q is not in: %v", part, err)
		}
	}
}

func found(t *testing.T, wanted ...string) {
	t.Helper()
	command, err := Executable()
	if err != nil || !slices.Equal(command, wanted) {
		t.Fatalf("found %q (%v), wanted %q", command, err, wanted)
	}
}

func TestExecutableInTheEnvironmentComesFirst(t *testing.T) {
	folder := t.TempDir()
	program(t, folder, "s2mock", "")
	chosen := program(t, folder, "mine", "")
	onPath(t, folder, chosen)
	found(t, chosen)
}

func TestExecutableInTheEnvironmentThatIsNotThereIsRefused(t *testing.T) {
	folder := t.TempDir()
	onPath(t, folder, folder)
	_, err := Executable()
	refused(t, err, "S2MOCK_BIN="+folder+" is no file")
}

func TestExecutableOnThePathComesBeforePython(t *testing.T) {
	folder := t.TempDir()
	program(t, folder, "python3", "")
	onPath(t, folder, "")
	found(t, filepath.Join(folder, "python3"), "-m", "s2mock")
	found(t, filepath.Join(folder, "python3"), "-m", "s2mock")
	program(t, folder, "s2mock", "")
	found(t, filepath.Join(folder, "s2mock"))
}

func TestMissingExecutableSaysHowToGetOne(t *testing.T) {
	folder := t.TempDir()
	onPath(t, folder, "")
	_, err := Executable()
	refused(t, err, "S2MOCK_BIN is not set", "no s2mock is on the PATH", "there is no Python", "`make binary`", "S2MOCK_URL")
	python := program(t, folder, "python3", "exit 1")
	_, err = Executable()
	refused(t, err, python+" has no module s2mock", "`make binary`")
}

func TestOutputOfAServerThatDoesNotStartIsInTheError(t *testing.T) {
	t.Setenv("S2MOCK_URL", "")
	command := []string{program(t, t.TempDir(), "s2mock", "echo 'no such option: '$@ >&2; exit 3")}
	_, err := StartServer(context.Background(), ServerOptions{Command: command, Options: []string{"--none"}})
	refused(t, err, "did not start: it ended with exit status 3\nno such option: --port 0 --with-parent --accounts-only --none")
}

func TestServerThatIsNotReadyIsStopped(t *testing.T) {
	t.Setenv("S2MOCK_URL", "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	command := []string{program(t, t.TempDir(), "s2mock", "read line")}
	_, err := StartServer(ctx, ServerOptions{Command: command})
	refused(t, err, "it was not ready: context canceled")
}
