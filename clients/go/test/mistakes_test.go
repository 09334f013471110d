package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// uncompiled returns the lines of a program that do not compile.
func uncompiled(t *testing.T, program string) []string {
	t.Helper()
	folder, err := os.MkdirTemp("testdata", "program-")
	noError(t, err)
	defer os.RemoveAll(folder)
	noError(t, os.WriteFile(filepath.Join(folder, "program.go"), []byte(program), 0o644))
	// All errors, and not the first ten.
	command := exec.Command("go", "build", "-gcflags=-e", "./"+filepath.ToSlash(folder))
	output, err := command.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(program, "\n")
	var found []string
	seen := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)program\.go:(\d+):\d+: (.*)$`).FindAllSubmatch(output, -1) {
		number := ok(strconv.Atoi(string(match[1])))(t)
		if line := lines[number-1]; !seen[line] {
			seen[line] = true
			found = append(found, line)
		}
	}
	if len(found) == 0 {
		t.Fatal(string(output))
	}
	return found
}

// marked returns the lines that are to have a mistake.
func marked(program string) []string {
	var lines []string
	for _, line := range strings.Split(program, "\n") {
		if strings.HasPrefix(line, "\t_") && strings.Contains(line, " // ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestMistakesDoNotCompile(t *testing.T) {
	t.Parallel()
	program := string(ok(os.ReadFile("testdata/mistakes/mistakes.go"))(t))
	if len(marked(program)) < 25 {
		t.Fatal("few mistakes are marked")
	}
	are(t, uncompiled(t, program), marked(program)...)
	// One that is none is found.
	repaired := bytes.ReplaceAll([]byte(program), []byte("s2mock.Dorp{}"), []byte("s2mock.Drop{}"))
	equal(t, len(uncompiled(t, string(repaired))), len(marked(program))-1)
}
