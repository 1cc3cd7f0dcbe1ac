//! Who speaks: the audio levels of one publication (RFC 6464), judged once per [`crate::api::SPEAKER_INTERVAL`].
//!
//! The measure is the one that LiveKit clients are used to: a speaker was loud for a good part of the interval; its level
//! is the loudest packet, less for short speech, on a linear scale, smoothed over two intervals.

use std::time::Duration;

use crate::api::SPEAKER_INTERVAL;
use crate::rtp::extension::AudioLevel;

/// Packets at or above this level (below full scale, in dB) count as speech.
pub const SPEECH_MINUS_DBOV: u8 = 35;
/// Share of the interval that must be speech, in percent.
pub const SPEECH_SHARE_PERCENT: u32 = 40;
/// Weight of a new interval: two intervals of smoothing.
const SMOOTHING: f32 = 2.0 / 3.0;
/// Longest Opus packet; more between two timestamps is silence that was not sent.
const MAX_PACKET: Duration = Duration::from_millis(120);
/// What a packet lasts when its timestamp tells nothing.
const USUAL_PACKET: Duration = Duration::from_millis(20);

/// The voice of one publication.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpeakerMeter {
    last_timestamp: Option<u32>,
    speech: Duration,
    loudest: Option<u8>,
    smoothed: f32,
}

impl SpeakerMeter {
    pub const fn new() -> Self {
        Self { last_timestamp: None, speech: Duration::ZERO, loudest: None, smoothed: 0.0 }
    }

    /// One packet with its RTP timestamp at `clock_rate` Hz.
    pub fn on_packet(&mut self, level: AudioLevel, timestamp: u32, clock_rate: u32) {
        let ticks = self.last_timestamp.map_or(0, |last| timestamp.wrapping_sub(last));
        self.last_timestamp = Some(timestamp);
        if level.minus_dbov > SPEECH_MINUS_DBOV {
            return;
        }
        let lasted = Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(clock_rate.max(1)));
        self.speech += if lasted.is_zero() || lasted > MAX_PACKET { USUAL_PACKET } else { lasted };
        self.loudest = Some(self.loudest.map_or(level.minus_dbov, |loudest| loudest.min(level.minus_dbov)));
    }

    /// Ends an interval: the linear level 0 to 1, or `None` when nobody speaks here. Call it every
    /// [`SPEAKER_INTERVAL`], also for publications that sent nothing.
    pub fn judge(&mut self) -> Option<f32> {
        let speech = std::mem::take(&mut self.speech);
        let loudest = self.loudest.take();
        let share = (speech.as_secs_f32() / SPEAKER_INTERVAL.as_secs_f32()).min(1.0);
        let spoke = speech * 100 >= SPEAKER_INTERVAL * SPEECH_SHARE_PERCENT;
        let linear = match loudest {
            // Speech for half of the interval weighs 6 dB less.
            Some(loudest) if spoke => linear_level(f32::from(loudest)) * share,
            _ => 0.0,
        };
        self.smoothed += (linear - self.smoothed) * SMOOTHING;
        let threshold = linear_level(f32::from(SPEECH_MINUS_DBOV));
        (self.smoothed >= threshold).then_some(self.smoothed.min(1.0))
    }

    /// Muted or restarted: whoever spoke is silent at once.
    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

/// 10^(−dBov/20)
fn linear_level(minus_dbov: f32) -> f32 {
    10_f32.powf(-minus_dbov / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(meter: &mut SpeakerMeter, from: u32, packets: u32, minus_dbov: u8) -> Option<f32> {
        for i in 0..packets {
            meter.on_packet(AudioLevel { voice: true, minus_dbov }, (from + i) * 960, 48_000);
        }
        meter.judge()
    }

    #[test]
    fn loud_speech_is_active_with_a_linear_level() {
        let mut meter = SpeakerMeter::new();
        interval(&mut meter, 0, 20, 20);
        interval(&mut meter, 20, 20, 20);
        let level = interval(&mut meter, 40, 20, 20).unwrap();
        assert!((level - 0.1).abs() < 0.01, "{level}");
    }

    #[test]
    fn quiet_or_short_sounds_are_not_speech() {
        let mut meter = SpeakerMeter::new();
        assert_eq!(interval(&mut meter, 0, 20, 36), None);
        assert_eq!(interval(&mut meter, 20, 7, 5), None, "140 of 400 ms");
        assert!(interval(&mut meter, 40, 8, 5).is_some(), "160 of 400 ms");
    }

    #[test]
    fn silence_ends_it_after_smoothing_and_mute_at_once() {
        let mut meter = SpeakerMeter::new();
        interval(&mut meter, 0, 20, 10);
        assert!(meter.judge().is_some(), "smoothed");
        let later: Vec<_> = (0..6).map(|_| meter.judge()).collect();
        assert_eq!(later.last(), Some(&None));
        interval(&mut meter, 0, 20, 10);
        meter.reset();
        assert_eq!(meter.judge(), None);
    }

    #[test]
    fn long_packets_count_by_their_timestamps() {
        let mut meter = SpeakerMeter::new();
        for i in 0..4 {
            meter.on_packet(AudioLevel { voice: true, minus_dbov: 10 }, i * 2_880, 48_000);
        }
        assert!(meter.judge().is_some(), "four packets of 60 ms, the first taken for 20");
        meter.reset();
        meter.on_packet(AudioLevel { voice: true, minus_dbov: 10 }, 0, 48_000);
        meter.on_packet(AudioLevel { voice: true, minus_dbov: 10 }, 48_000, 48_000);
        assert_eq!(meter.judge(), None, "a second of discontinuous transmission is not speech");
    }
}
