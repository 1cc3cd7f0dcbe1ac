// Runs the end-to-end tests that `@livekit/rtc-node` ships with its sources.
export default {
  test: {
    include: ['node_modules/@livekit/rtc-node/src/tests/*.test.ts'],
    exclude: [],
    // One file after the other: they share two cores with the node under test.
    fileParallelism: false,
    server: { deps: { inline: [/rtc-node\/src/] } },
  },
};
