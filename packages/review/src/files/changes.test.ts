import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { expect, test } from "vitest"
import { changesBetween, diffChanges, stagedChanges, type Changes } from "./changes.ts"
import { commitTree, indexTree } from "./git/gitTree.ts"
import { mergeBase, readBlobs, resolveCommit, sizesOf } from "./git/objects.ts"
import { GitOutputError, runGit } from "./git/run.ts"
import { Ground } from "./ground.fixture.ts"
import { InputError } from "./inputError.ts"
import type { Tree } from "./tree.ts"
import { workTree } from "./workTree.ts"

const wants = (path: string): boolean => path.endsWith(".go")

async function texts(tree: Tree): Promise<Record<string, string>> {
  const { files } = await tree.load({ wants, blobs: true, ownOnly: true })
  return Object.fromEntries(files.map(({ path, text }) => [path, text]))
}

async function both(changes: Changes): Promise<[Record<string, string>, Record<string, string>]> {
  return [await texts(changes.base), await texts(changes.head)]
}

test("a range of two revisions compares what they hold, not what lies on disk", async () => {
  using ground = new Ground()
  const base = ground.commit({ "a.go": "1" })
  ground.commit({ "a.go": "2", "b.go": "b" })
  ground.write({ "a.go": "3" })
  expect(await both(await changesBetween(ground.root, `${base}..main`))).toEqual([
    { "a.go": "1" },
    { "a.go": "2", "b.go": "b" },
  ])
})

test("one revision compares the point where the branch left it with the folder on disk", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1" })
  ground.git("checkout", "-q", "-b", "feature")
  ground.commit({ "b.go": "b" })
  ground.git("checkout", "-q", "main")
  ground.commit({ "a.go": "2" })
  ground.git("checkout", "-q", "feature")
  ground.write({ "c.go": "c" })
  expect(await both(await changesBetween(ground.root, "main"))).toEqual([
    { "a.go": "1" },
    { "a.go": "1", "b.go": "b", "c.go": "c" },
  ])
  expect((await both(await changesBetween(ground.root, "main...feature")))[0]).toEqual({
    "a.go": "1",
  })
  expect((await both(await changesBetween(ground.root, "main..feature")))[0]).toEqual({
    "a.go": "2",
  })
})

test("what is staged is compared with the last commit, and with nothing before the first", async () => {
  using ground = new Ground()
  ground.git("init", "-q", "-b", "main")
  ground.write({ "a.go": "1" }).git("add", "-A")
  expect(await both(await stagedChanges(ground.root))).toEqual([{}, { "a.go": "1" }])
  ground.commit()
  ground.write({ "a.go": "2" }).git("add", "-A")
  ground.write({ "a.go": "3" })
  expect(await both(await stagedChanges(ground.root))).toEqual([{ "a.go": "1" }, { "a.go": "2" }])
})

test("a diff is taken back from the folder on disk", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1\n2\n3\n", "gone.go": "g\n", "old.go": "same\n" })
  ground.write({ "a.go": "1\nx\n3\n", "new.go": "n\n" }).remove("gone.go")
  ground.git("mv", "old.go", "moved.go")
  ground.git("add", "-A")
  const diff = `${ground.git("diff", "--cached", "-M")}\n`
  const [base, head] = await both(diffChanges(ground.root, diff))
  expect(head).toEqual({ "a.go": "1\nx\n3\n", "moved.go": "same\n", "new.go": "n\n" })
  expect(base).toEqual({ "a.go": "1\n2\n3\n", "gone.go": "g\n", "old.go": "same\n" })
  const { notices } = await diffChanges(ground.root, diff.replace("+x", "+y")).base.load({ wants })
  expect(notices.map(({ code, path }) => [code, path])).toEqual([["diff-does-not-fit", "a.go"]])
})

test("a text that is no diff is refused, and an empty one changes nothing", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1\n" })
  expect(() => diffChanges(ground.root, "fatal: not a git repository\n")).toThrow(
    /no unified diff; it begins with "fatal: not a git/,
  )
  expect(await both(diffChanges(ground.root, "\n"))).toEqual([{ "a.go": "1\n" }, { "a.go": "1\n" }])
  // A change of a mode has no lines.
  const mode = "diff --git a/a.go b/a.go\nold mode 100644\nnew mode 100755\n"
  expect(await both(diffChanges(ground.root, mode))).toEqual([{ "a.go": "1\n" }, { "a.go": "1\n" }])
})

test("a root below the repository's has its own part of the tree", async () => {
  using ground = new Ground()
  const commit = ground.commit({ "a.go": "1", "sub/b.go": "2" })
  expect(await texts(commitTree(ground.path("sub"), commit))).toEqual({ "b.go": "2" })
  expect(await texts(indexTree(ground.path("sub")))).toEqual({ "b.go": "2" })
})

test("a commit is read by the same rules as the folder on disk", async () => {
  using ground = new Ground()
  ground.write({
    "a.go": "a",
    "vendor/v.go": "v",
    "x.pb.go": "",
    "l.go": "",
    ".gitattributes": "l.go linguist-generated",
    "ignored.go": "i",
    "sub/kept.go": "k",
  })
  symlinkSync("a.go", ground.path("link.go"))
  ground.git("init", "-q", "-b", "main")
  ground.git("add", "-A")
  ground.write({ ".gitignore": "ignored.go\nsub/*.go\n", "sub/.gitignore": "!kept.go\n" })
  ground.git("add", "-A")
  const commit = ground.commit()
  const expected = { "a.go": "a", "sub/kept.go": "k" }
  expect(await texts(commitTree(ground.root, commit))).toEqual(expected)
  expect(await texts(workTree(ground.root))).toEqual(expected)
})

test("a text that the other tree has is not read again", async () => {
  using ground = new Ground()
  const commit = ground.commit({ "a.go": "same", "b.go": "b" })
  const head = await workTree(ground.root).load({ wants, blobs: true })
  const known = new Map(
    head.files.map((file) => [file.blob!, { ...file, text: `known ${file.text}` }]),
  )
  const { files } = await commitTree(ground.root, commit).load({
    wants,
    known: Promise.resolve(known),
  })
  expect(files.map(({ text }) => text)).toEqual(["known same", "known b"])
})

test("what is no revision is refused, and is never an option of Git", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1" })
  const out = ground.path("written")
  for (const name of ["none", "", "--help", `--output=${out}`, "-h", "a\0b", "HEAD^{tree}"]) {
    await expect(resolveCommit(ground.root, name)).rejects.toThrow(InputError)
  }
  await expect(changesBetween(ground.root, "none..HEAD")).rejects.toThrow(/knows no commit "none"/)
  await expect(changesBetween(ground.root, "none..never")).rejects.toThrow(/knows no commit "none"/)
  await expect(changesBetween(ground.root, "HEAD..never")).rejects.toThrow(
    /knows no commit "never"/,
  )
  expect(existsSync(out)).toBe(false)
  ground.git("checkout", "-q", "--orphan", "other")
  const other = ground.commit({ "z.go": "" })
  expect(await mergeBase(ground.root, await resolveCommit(ground.root, "main"), other)).toBeNull()
})

test("a folder without a repository is told so", async () => {
  using ground = new Ground()
  await expect(changesBetween(ground.root, "HEAD")).rejects.toThrow(/not a git repository/)
})

// --- hostile repositories ----------------------------------------------------------------------------------------

/** A repository whose configuration and attributes run a command wherever Git would let them. */
function hostile(ground: Ground): string {
  const commit = ground.commit({ "a.go": "1", "b.go": "b" })
  const run = ground.alarmCommand
  for (const setting of [
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "credential.helper",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "gpg.program",
    "interactive.diffFilter",
    "pager.ls-tree",
    "pager.cat-file",
    "pager.rev-parse",
    "uploadpack.packObjectsHook",
  ]) {
    ground.git("config", setting, setting === "credential.helper" ? `!${run}` : run)
  }
  ground.git("config", "filter.evil.required", "true")
  for (const alias of ["ls-tree", "cat-file", "rev-parse", "ls-files", "merge-base"]) {
    ground.git("config", `alias.${alias}`, `!${run}`)
  }
  mkdirSync(ground.path(".git/hooks"), { recursive: true })
  for (const hook of [
    "post-index-change",
    "reference-transaction",
    "post-checkout",
    "fsmonitor-watchman",
    "pre-auto-gc",
  ]) {
    writeFileSync(ground.path(`.git/hooks/${hook}`), `#!/bin/sh\necho ran >> ${ground.alarm}\n`, {
      mode: 0o755,
    })
  }
  ground.write({ ".gitattributes": "*.go diff=evil filter=evil\n" })
  return commit
}

test("the alarm of these tests is sounded by a Git that is not held back", () => {
  using ground = new Ground()
  hostile(ground)
  ground.write({ "a.go": "2" })
  try {
    ground.git("status")
  } catch {
    // The monitor's answer may be none.
  }
  expect(ground.isAlarmed).toBe(true)
})

test("no command of a repository's configuration, attributes, aliases or hooks is run", async () => {
  using ground = new Ground()
  const commit = hostile(ground)
  ground.write({ "a.go": "2", "c.go": "3" })
  expect((await both(await changesBetween(ground.root, commit)))[1]).toMatchObject({
    "a.go": "2",
    "c.go": "3",
  })
  await both(await changesBetween(ground.root, "HEAD..HEAD"))
  await both(await stagedChanges(ground.root))
  expect(ground.isAlarmed).toBe(false)
})

test("a partial clone does not reach for what it lacks, neither over a transport nor a helper", async () => {
  using ground = new Ground()
  const commit = ground.commit({ "a.go": "lacking", "b.go": "b" })
  const blob = ground.git("rev-parse", "HEAD:a.go")
  const script = `${ground.folder}/script`
  writeFileSync(script, `#!/bin/sh\necho ran >> ${ground.alarm}\nexit 1\n`, { mode: 0o755 })
  for (const [key, value] of Object.entries({
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "evil",
    "remote.evil.promisor": "true",
    "remote.evil.url": `ext::${script}`,
    "remote.evil.uploadpack": ground.alarmCommand,
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
  })) {
    ground.git("config", key, value)
  }
  ground.remove(`.git/objects/${blob.slice(0, 2)}/${blob.slice(2)}`)
  const { files, notices } = await commitTree(ground.root, commit).load({ wants })
  expect(files.map(({ path }) => path)).toEqual(["b.go"])
  expect(notices.map(({ code, path }) => [code, path])).toEqual([["file-unreadable", "a.go"]])
  expect(ground.isAlarmed).toBe(false)
  expect(() => ground.git("cat-file", "-s", blob)).toThrow(Error)
  // The trap works: a Git that is not held back walked into it.
  expect(ground.isAlarmed).toBe(true)
})

test("a bare repository that lies in the tree as files is not taken for one", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1" })
  ground.write({
    "inner/HEAD": "ref: refs/heads/main\n",
    "inner/config": `[core]\n\tbare = true\n\tfsmonitor = ${ground.alarmCommand}\n`,
    "inner/objects/x": "",
    "inner/refs/x": "",
  })
  await expect(changesBetween(ground.path("inner"), "HEAD")).rejects.toThrow(/bare/)
  expect(ground.isAlarmed).toBe(false)
})

test("a pipe where Git reads its configuration ends with the deadline, not never", async () => {
  using ground = new Ground()
  const commit = ground.commit({ "a.go": "1" })
  ground.pipe("pipe").git("config", "include.path", "../pipe")
  const run = runGit(ground.root, { args: ["ls-tree", commit], deadlineMs: 300 })
  await expect(run).rejects.toThrow(/did not end in time/)
})

test("a run of Git that is called off ends with its reason", async () => {
  using ground = new Ground()
  const commit = ground.commit({ "a.go": "1" })
  ground.pipe("pipe").git("config", "include.path", "../pipe")
  const controller = new AbortController()
  const run = runGit(ground.root, { args: ["ls-tree", commit], signal: controller.signal })
  controller.abort()
  await expect(run).rejects.toThrow(/abort/i)
})

test("a tree that holds itself a thousand million times is left at the limit", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1" })
  const blob = ground.git("rev-parse", "HEAD:a.go")
  let tree = makeTree(
    ground,
    Array.from({ length: 10 }, (_, i) => `100644 blob ${blob}\tf${i}.go`),
  )
  for (let depth = 0; depth < 9; depth++) {
    const folder = tree
    tree = makeTree(
      ground,
      Array.from({ length: 10 }, (_, i) => `040000 tree ${folder}\td${i}`),
    )
  }
  const commit = ground.git("commit-tree", "-m", "bomb", tree)
  await expect(commitTree(ground.root, commit).load({ wants })).rejects.toThrow(GitOutputError)
})

function makeTree(ground: Ground, lines: readonly string[]): string {
  ground.write({ listing: `${lines.join("\n")}\n` })
  const script = 'git mktree < "$1"'
  return ground.git("-c", `alias.make=!sh -c '${script}' x listing`, "make")
}

test("a large blob is passed over by its size", async () => {
  using ground = new Ground()
  const commit = ground.commit({ "a.go": "1", "big.go": "x".repeat(2 * 1024 * 1024) })
  const { files, notices } = await commitTree(ground.root, commit).load({ wants })
  expect(files.map(({ path }) => path)).toEqual(["a.go"])
  expect(notices.map(({ code }) => code)).toEqual(["file-too-large"])
})

test("names that no disk would have are not read", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "1" })
  const blob = ground.git("rev-parse", "HEAD:a.go")
  const inner = makeTree(ground, [`100644 blob ${blob}\tx.go`])
  const tree = makeTree(ground, [
    `040000 tree ${inner}\t..`,
    `040000 tree ${inner}\t.git`,
    `100644 blob ${blob}\ta.go`,
  ])
  const commit = ground.git("commit-tree", "-m", "names", tree)
  expect(Object.keys(await texts(commitTree(ground.root, commit)))).toEqual(["a.go"])
})

test("bytes of any kind come out of a blob as they went in", async () => {
  using ground = new Ground()
  ground.write({ a: Buffer.from([0, 10, 255, 10, 10]), b: "" }).commit()
  const blobs = [
    ground.git("rev-parse", "HEAD:a"),
    ground.git("rev-parse", "HEAD:b"),
    "f".repeat(40),
  ]
  const sizes = await sizesOf(ground.root, blobs)
  expect([...sizes.values()]).toEqual([5, 0])
  const contents = await readBlobs(ground.root, blobs, 5)
  expect([...contents.get(blobs[0]!)!]).toEqual([...readFileSync(ground.path("a"))])
  expect(contents.get(blobs[1]!)).toHaveLength(0)
  expect(contents.size).toBe(2)
})
