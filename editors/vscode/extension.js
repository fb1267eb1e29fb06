// Starts `gateway lsp` and leaves everything else to it.
const path = require("node:path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function settings() {
  const chosen = vscode.workspace.getConfiguration("gateway");
  return { config: chosen.get("config"), assumeSecrets: chosen.get("assumeSecrets"), target: chosen.get("target") };
}

// A command with a slash is a path below the workspace, unless it is absolute; any other one is looked up in PATH.
function command() {
  const chosen = vscode.workspace.getConfiguration("gateway").get("command") || "gateway";
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return /[\\/]/.test(chosen) && folder ? path.resolve(folder, chosen) : chosen;
}

async function start() {
  const files = "**/*.{xml,yaml,yml}";
  client = new LanguageClient(
    "gateway",
    "APIM policies",
    { command: command(), args: ["lsp"] },
    {
      documentSelector: ["apim-policy", "xml", "yaml"].flatMap((language) => [
        { scheme: "file", language },
        { scheme: "untitled", language },
      ]),
      initializationOptions: settings(),
      synchronize: { configurationSection: "gateway", fileEvents: vscode.workspace.createFileSystemWatcher(files) },
    },
  );
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `${command()} lsp does not start: ${error.message}. Install it with pipx install apim-policy-gateway, or set gateway.command.`,
    );
  }
}

async function restart() {
  await stop();
  await start();
}

async function stop() {
  const running = client;
  client = undefined;
  if (running?.isRunning()) await running.stop();
}

module.exports = {
  activate: async (context) => {
    context.subscriptions.push(
      vscode.commands.registerCommand("apimPolicyGateway.restart", restart),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("gateway.command")) return restart();
      }),
    );
    await start();
  },
  deactivate: stop,
};
