// Shows that the microphone works: a bar that follows the voice, and words for those who do not see it.
import { useEffect, useRef, useState } from "react";
import { t } from "../i18n";

/** Root mean square below which a room counts as silent; speech at arm's length lies around 0.02 to 0.2. */
const SPEECH = 0.012;
/** Brings speech to the upper half of the bar. */
const GAIN = 5;
const WORDS_EVERY_MS = 250;

function rms(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

export function MicMeter({ track }: { track: MediaStreamTrack | undefined }) {
  const bar = useRef<HTMLDivElement>(null);
  const [heard, setHeard] = useState(false);
  const [level, setLevel] = useState(0);

  useEffect(() => {
    setHeard(false);
    setLevel(0);
    if (!track) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let frame = 0;
    let spoken = 0;
    const draw = (now: number) => {
      analyser.getFloatTimeDomainData(samples);
      const volume = rms(samples);
      if (bar.current) bar.current.style.transform = `scaleX(${Math.min(1, volume * GAIN)})`;
      if (now - spoken > WORDS_EVERY_MS) {
        spoken = now;
        setLevel(Math.round(Math.min(1, volume * GAIN) * 100));
        if (volume > SPEECH) setHeard(true);
      }
      frame = requestAnimationFrame(draw);
    };
    frame = requestAnimationFrame(draw);
    // Some browsers hold audio back until the first touch.
    const wake = () => void context.resume();
    document.addEventListener("pointerdown", wake, { once: true });
    return () => {
      cancelAnimationFrame(frame);
      document.removeEventListener("pointerdown", wake);
      void context.close();
    };
  }, [track]);

  const words = !track ? "join.level.off" : heard ? "join.level.hear" : "join.level.silent";
  return (
    <div className="meter-row">
      {/* biome-ignore lint/a11y/useSemanticElements: <meter> cannot be animated without a render per frame. */}
      <div
        className="meter"
        role="meter"
        aria-label={t("join.level")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={level}
      >
        <div ref={bar} className="meter-bar" />
      </div>
      <p className="quiet small" aria-live="polite">
        {t(words)}
      </p>
    </div>
  );
}
