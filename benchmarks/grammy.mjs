// grammY with its conversations, as durable_peers.py asks for it: one JSON request a line, one JSON answer a line.
//
//     node grammy.mjs FOLDER      where npm has put grammy and @grammyjs/conversations
//
// {"what": "versions"}
// {"what": "plain", "times": T}                a handler that sends one message, without any conversation
// {"what": "answer", "after": N, "times": T}   an answer of a conversation that has had N before
// {"what": "others", "open": N, "times": T}    a message in a group in which N others are in a conversation
// {"what": "bytes", "after": N}                what the storage is given for an answer
//
// Each answer has the microseconds that each update took, of the clock and of the processor. Updates are given to
// bot.handleUpdate; Telegram answers at once, in the place of the network.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const FOLDER = resolve(process.argv[2]);
const need = createRequire(join(FOLDER, "here.js"));
const { Bot } = need("grammy");
const { conversations, createConversation } = need("@grammyjs/conversations");

const PERSON = 7, GROUP = -1001, STRANGER = 5_000_000;
let number = 1;

const storage = {
    kept: new Map(),
    bytes: null, // counted while it is a number: that takes time
    read: (key) => storage.kept.get(key),
    write: (key, state) => {
        if (storage.bytes !== null) storage.bytes += Buffer.byteLength(JSON.stringify(state));
        storage.kept.set(key, state);
    },
    delete: (key) => void storage.kept.delete(key),
};

// Below all that is grammY's: what it sends from inside of a conversation passes no transformer of the bot.
async function fetch() {
    const chat = { id: PERSON, type: "private", first_name: "Alice" };
    return { json: async () => ({ ok: true, result: { message_id: number++, date: 1, chat, text: "More?" } }) };
}

async function questions(conversation, context) {
    for (;;) {
        await context.reply("More?");
        context = await conversation.waitFor("message:text");
    }
}

async function question(conversation, context) {
    await context.reply("Who are you?");
    await conversation.waitFrom(context.from.id);
}

const bot = new Bot("42:TEST", { botInfo: { id: 42, is_bot: true, first_name: "bot", username: "bot" }, client: { fetch } });
bot.use(conversations({ storage }));
bot.use(createConversation(questions));
bot.use(createConversation(question, { parallel: true }));
bot.hears("begin", (context) => context.conversation.enter("questions"));
bot.hears("join", (context) => context.conversation.enter("question"));
bot.chatType("private").on("message", (context) => context.reply("More?"));
bot.on("message", () => {});

function update(text, who = PERSON, group = null) {
    const from = { id: who, is_bot: false, first_name: "Alice" };
    const chat = group === null
        ? { id: who, type: "private", first_name: "Alice" }
        : { id: group, type: "supergroup", title: "Friends" };
    return { update_id: number++, message: { message_id: number++, date: 1_700_000_000, chat, from, text } };
}

async function measured(times, prepare, text, ...where) {
    const found = { clock: [], processor: [] };
    for (let i = 0; i < times; i++) {
        await prepare();
        const given = update(text, ...where);
        const [processor, clock] = [process.cpuUsage(), performance.now()];
        await bot.handleUpdate(given);
        found.clock.push((performance.now() - clock) * 1000);
        const { user, system } = process.cpuUsage(processor);
        found.processor.push(user + system);
    }
    return found;
}

// To have had so many answers takes long, so it is done once, and what was stored then is put back each time.
const after = new Map();

async function having(count) {
    if (!after.has(count)) {
        const [most, state] = [...after].filter(([one]) => one < count).at(-1) ?? [0, null];
        if (state === null) await bot.handleUpdate(update("begin"));
        else storage.kept.set(String(PERSON), structuredClone(state));
        for (let i = most; i < count; i++) await bot.handleUpdate(update("yes"));
        after.set(count, structuredClone(storage.kept.get(String(PERSON))));
    }
    storage.kept.set(String(PERSON), structuredClone(after.get(count)));
}

const ANSWERS = {
    versions: async () => {
        const version = (name) => JSON.parse(readFileSync(join(FOLDER, "node_modules", name, "package.json"))).version;
        return { grammy: version("grammy"), conversations: version("@grammyjs/conversations"), node: process.version };
    },
    plain: ({ times }) => measured(times, () => storage.kept.delete(String(PERSON)), "hello"),
    answer: ({ after: count, times }) => measured(times, () => having(count), "yes"),
    others: async ({ open: count, times }) => {
        const there = storage.kept.get(String(GROUP))?.state?.question?.length ?? 0;
        for (let i = there; i < count; i++) await bot.handleUpdate(update("join", STRANGER + 1 + i, GROUP));
        return await measured(times, () => {}, "hello", STRANGER, GROUP);
    },
    bytes: async ({ after: count }) => {
        await having(count);
        storage.bytes = 0;
        await bot.handleUpdate(update("yes"));
        const { bytes } = storage;
        storage.bytes = null;
        return { bytes };
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    console.log(JSON.stringify(await ANSWERS[asked.what](asked)));
}
