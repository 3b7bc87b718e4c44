/** The job that a CI runs. */

export type CiHost = "github" | "gitlab"

export interface CiFile {
  readonly file: string
  readonly text: string
  /** What is left to do. */
  readonly note: string
}

/** By host, for a version of this package. */
export const ciFiles: Readonly<Record<CiHost, (version: string) => CiFile>> = {
  github: (version) => ({
    file: ".github/workflows/drover-review.yml",
    text: `# Reviews each pull request and says what is new in it.
name: drover-review
on: pull_request
permissions:
  contents: read
  pull-requests: write
jobs:
  review:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with:
          # The review compares with the base and needs its commits.
          fetch-depth: 0
          persist-credentials: false
      - uses: actions/setup-node@v4
        with:
          node-version: 24
      # A pull request from a fork has a token that cannot write; findings are annotations then.
      - run: npx --yes @drover/review@${version} github
        env:
          GITHUB_TOKEN: \${{ github.token }}
`,
    note: "Pin the two actions to commits if your rules ask for it.\n",
  }),
  gitlab: (version) => ({
    file: ".gitlab/drover-review.yml",
    text: `# Reviews each merge request and says what is new in it.
drover-review:
  image: node:24
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables:
    # The review compares with the base and needs its commits.
    GIT_DEPTH: 0
  script:
    - npx --yes @drover/review@${version} gitlab --output gitlab=gl-code-quality-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
`,
    note: "Add to .gitlab-ci.yml:\n  include:\n    - local: .gitlab/drover-review.yml\n",
  }),
}
