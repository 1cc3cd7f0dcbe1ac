// What really arrives at a page, from WebRTC's own statistics. In: a page made by `person`. Out: plain numbers.

/** Frames decoded so far for the video that stands in the tile called `name`; 0 when none is there. */
export function framesDecoded(page, name) {
  return page.evaluate(async (wanted) => {
    const figure = [...document.querySelectorAll("figure")].find(
      (element) => element.getAttribute("aria-label") === wanted,
    );
    const track = figure?.querySelector("video")?.srcObject?.getVideoTracks()[0];
    if (!track) return 0;
    for (const connection of window.testConnections) {
      if (connection.connectionState === "closed") continue;
      for (const entry of (await connection.getStats()).values()) {
        if (
          entry.type === "inbound-rtp" &&
          entry.kind === "video" &&
          entry.trackIdentifier === track.id
        )
          return entry.framesDecoded ?? 0;
      }
    }
    return 0;
  }, name);
}

/** Energy received so far per incoming audio stream. */
export function audioEnergies(page) {
  return page.evaluate(async () => {
    const energies = {};
    for (const connection of window.testConnections) {
      if (connection.connectionState === "closed") continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "audio")
          energies[entry.trackIdentifier] = entry.totalAudioEnergy ?? 0;
      }
    }
    return energies;
  });
}

/** How many of the incoming audio streams got louder than silence between two readings. */
export function soundingStreams(before, after) {
  // A made-up microphone beeps with about 0.01 per second; codec noise alone stays below a thousandth of that.
  return Object.entries(after).filter(([id, energy]) => energy - (before[id] ?? 0) > 1e-5).length;
}

/** Size of the picture that arrives in the tile called `name`. */
export function pictureSize(page, name) {
  return page.evaluate((wanted) => {
    const figure = [...document.querySelectorAll("figure")].find(
      (element) => element.getAttribute("aria-label") === wanted,
    );
    const video = figure?.querySelector("video");
    return video ? { width: video.videoWidth, height: video.videoHeight } : { width: 0, height: 0 };
  }, name);
}
