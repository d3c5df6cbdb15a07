// One scenario with OpenAI's TypeScript SDK; what it saw is printed as JSON.
import { pathToFileURL } from "node:url";

const [, , sdk, scenario, binary, directory] = process.argv;
const { Codex } = await import(pathToFileURL(`${sdk}/node_modules/@openai/codex-sdk/dist/index.js`));

const codex = new Codex({ codexPathOverride: binary, env: process.env });
const options = { workingDirectory: directory, sandboxMode: "danger-full-access", approvalPolicy: "never", skipGitRepoCheck: true };
const text = async (thread, prompt, more) => (await thread.run(prompt, more)).finalResponse;

const scenarios = {
  async run() {
    const thread = codex.startThread({ ...options, model: "gpt-5.5", modelReasoningEffort: "high", networkAccessEnabled: true, webSearchMode: "disabled", additionalDirectories: ["/tmp"], threadSource: "tests" });
    const before = thread.id;
    const turn = await thread.run("go [[script:shell]]");
    return { before, id: thread.id, items: turn.items.map((item) => [item.type, item.status ?? null, item.exit_code ?? null]), finalResponse: turn.finalResponse, usage: Object.keys(turn.usage).sort() };
  },
  async streamed() {
    const { events } = await codex.startThread(options).runStreamed("go [[script:shell]]");
    const seen = [];
    for await (const event of events) seen.push(event.item ? [event.type, event.item.type] : [event.type]);
    return seen;
  },
  async turnsAndResume() {
    const thread = codex.startThread(options);
    const answers = [await text(thread, "alpha"), await text(thread, "beta")];
    answers.push(await text(codex.resumeThread(thread.id, options), "gamma"));
    return { answers, id: thread.id };
  },
  async structuredOutput() {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"], additionalProperties: false };
    return JSON.parse(await text(codex.startThread(options), "structured", { outputSchema: schema }));
  },
  async images() {
    const input = [{ type: "text", text: "look" }, { type: "text", text: "closely" }, { type: "local_image", path: `${directory}/dot.png` }];
    return await text(codex.startThread(options), input);
  },
  async parallel() {
    const threads = Array.from({ length: 4 }, () => codex.startThread(options));
    const answers = await Promise.all(threads.map((thread, number) => text(thread, `number ${number} [[script:hello]]`)));
    return { answers, different: new Set(threads.map((thread) => thread.id)).size };
  },
  async abort() {
    const stop = new AbortController();
    const { events } = await codex.startThread(options).runStreamed("wait [[script:silent]]", { signal: stop.signal });
    const seen = [];
    try {
      for await (const event of events) {
        seen.push(event.type);
        if (event.type === "turn.started") stop.abort();
      }
      return { seen, error: null };
    } catch (error) {
      return { seen, error: error.name };
    }
  },
  async failure() {
    const errors = [];
    for (const prompt of ["fail [[script:refused]]", "again [[script:refused]]"])
      await codex.startThread(options).run(prompt).catch((error) => errors.push(error.message));
    const bad = new Codex({ codexPathOverride: binary, env: process.env, config: { model_provider: "nowhere" } });
    await bad.startThread(options).run("x").catch((error) => errors.push(error.message.slice(0, 30)));
    return errors;
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
