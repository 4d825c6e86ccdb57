// Reads the form, has the worker verify, and says what came out in plain words.
const element = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });

/** Why not, by the kind of error. */
const REASONS = {
  usage: ["Something in the form cannot be read", "Look at what you entered."],
  malformed_key: ["This is not a key", "The key file is another kind of file, or it was damaged. Ask for it again."],
  key_refused: ["This key is not trusted", "Whether the proof holds was not even looked at."],
  malformed_proof: ["This is not a proof", "The proof file is another kind of file, or it was damaged. Ask for it again."],
  other_key: ["The proof is for another key", "It does not belong to the key that you gave. It says nothing here."],
  rejected: ["The proof does not hold", "It was forged or changed after it was made. Do not believe what it says."],
  unmet: ["The proof holds, but it is not what you expect", "What it says is true. What you expect is something else."],
  internal: ["The check could not be done", "Load the page again."],
};

const CONDITIONS = {
  model: "The network is the one you expect",
  context: "The proof was made for your task",
  policy: "The data followed the policy you expect",
  registry_root: "Devices and consents are in the registry you expect",
  output: "The result is the one you expect",
  freshness: "The data is recent enough",
};

const PROVENANCE = {
  rederived: "derived from the network itself, just now: nobody has to be trusted for it",
  pinned: "the one whose fingerprint you gave: whoever gave you that has checked it",
  dev: "made for development: whoever made it can forge proofs",
};

/** What the network answered. */
function result({ output, output_tensor }) {
  switch (output.kind) {
    case "raw":
      return `${output.outputs.length} numbers: ${output.outputs.map((x) => Number(x.toPrecision(6))).join(", ")}`;
    case "argmax":
      return `class ${output.class}`;
    case "threshold":
      return `${output.reached ? "Yes" : "No"}: value ${output.index} is ${output.reached ? "at least" : "below"} ${
        output.threshold
      }, in steps of ${output_tensor.scale}`;
    default:
      return "hidden: the proof only commits to it";
  }
}

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

const digest = (text) => make("span", { className: "digest" }, text);

function mark(met, text) {
  const sign = make("span", { className: "mark" }, met === undefined ? "○" : met ? "✓" : "✗");
  sign.setAttribute("aria-hidden", "true");
  const said = met === undefined ? "" : met ? "Yes. " : "No. ";
  return make("li", { className: met === undefined ? "" : met ? "met" : "unmet" }, sign, said, text);
}

function facts({ claim, acceptance, ...rest }, pinned) {
  const { context_bound: bound, statement } = claim;
  const rows = [
    ["Result", result(claim)],
    ["Network", digest(claim.model_id)],
    ["Made for", bound ? digest(statement.context) : "no task in particular: anybody can show it again"],
    ["Its secret input", make("span", {}, "not shown; known by its seal ", digest(statement.input_commitment))],
    ["Key", make("span", {}, PROVENANCE[claim.key_provenance] ?? claim.key_provenance, " ", digest(claim.vk_digest))],
    ["Kind of proof", claim.system],
  ];
  if (claim.label) rows.splice(2, 0, ["Label", `${claim.label} (for people; proves nothing)`]);
  element("claim").replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

  const met = ({ condition, met, expected, found }) =>
    mark(met, CONDITIONS[condition] + (met ? "" : `: ${expected} was expected, but it is ${found}`));
  const conditions = acceptance.conditions.map(met);
  // Another key would not have been admitted.
  if (pinned) conditions.unshift(mark(true, "The key is the one you trust"));
  element("conditions").replaceChildren(...(conditions.length ? conditions : [mark(undefined, "You named nothing")]));
  element("open").replaceChildren(...acceptance.not_checked.map(({ meaning }) => mark(undefined, meaning)));
  element("json").textContent = JSON.stringify({ claim, acceptance, ...rest }, undefined, 2);
}

/** Shows a verdict, and takes the reader there. */
function show(accepted, answer, reason, verdict, pinned) {
  const section = element("verdict");
  section.className = accepted ? "accepted" : "rejected";
  element("answer").textContent = `${accepted ? "✓" : "✗"} ${answer}`;
  element("reason").textContent = reason;
  element("facts").hidden = !verdict;
  if (verdict) facts(verdict, pinned);
  section.hidden = false;
  section.focus();
}

function busy(on) {
  const button = document.querySelector("button");
  button.setAttribute("aria-disabled", String(on));
  button.textContent = on ? "Checking …" : "Check the proof";
}

worker.addEventListener("message", ({ data: { verdict, error, pinned } }) => {
  busy(false);
  if (!error) {
    const all = verdict.acceptance.conditions.length ? "and it is what you expect" : "but look at what was not checked";
    const time = `Checked in ${(verdict.times.verify_s * 1000).toFixed(0)} ms.`;
    show(true, `The proof holds, ${all}`, time, verdict, pinned);
    return;
  }
  const [answer, reason] = REASONS[error.kind] ?? REASONS.internal;
  show(false, answer, `${reason} (${error.message}${error.hint && `; ${error.hint}`})`, verdict, pinned);
});
worker.addEventListener("error", () => {
  busy(false);
  show(false, ...REASONS.internal);
});

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (document.querySelector("button[aria-disabled=true]")) return;
  busy(true);
  const text = (id) => element(id).value.trim();
  const given = (...ids) => Object.fromEntries(ids.map((id) => [id, text(id)]).filter(([, value]) => value));
  const bytes = async (id) => new Uint8Array(await element(id).files[0].arrayBuffer());
  const demands = given("expect_model", "expect_context", "expect_policy", "expect_root");
  if (text("max_delay")) {
    demands.freshness = { now: Math.floor(Date.now() / 1000), max_delay: Number(text("max_delay")), skew: 60 };
  }
  const trust = given("expect_vk");
  if (element("allow_dev_setup").checked) trust.allow_dev_setup = true;
  try {
    const [proof, key] = await Promise.all([bytes("proof"), bytes("key")]);
    worker.postMessage({ proof, key, trust, demands, expectedResult: text("expect_output") });
  } catch (e) {
    busy(false);
    show(false, "A file cannot be read", `${e.message}`);
  }
});

for (const zone of document.querySelectorAll(".drop")) {
  const input = zone.querySelector("input");
  const filled = () => zone.classList.toggle("full", input.files.length > 0);
  input.addEventListener("change", filled);
  for (const [type, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", over);
      if (type === "drop" && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        filled();
      }
    });
  }
}
