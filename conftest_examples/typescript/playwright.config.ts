// For Playwright in place of vitest: it starts the server, waits for it, and ends it.
export default {
  webServer: {
    command: "npx s2mock --port 8081 --with-parent",
    url: "http://127.0.0.1:8081/health",
  },
};
