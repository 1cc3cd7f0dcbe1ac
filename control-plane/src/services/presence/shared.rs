//! Presence of several replicas, put together in Redis.
//!
//! In: what this replica knows of a person. Out: what all of them together know, before and after. One sorted set per
//! person: a member `{replica}:{status}` per replica, scored by when it expires; one set of all people by when the last
//! of their entries expires, so that somebody notices when a replica died with them.

use std::time::Duration;

use redis::Script;
use uuid::Uuid;

use super::Status;
use crate::adapters::redis::Redis;
use crate::model::clock::Micros;

/// Absences taken up in one round.
const EXPIRED_AT_ONCE: i64 = 100;

/// Status of a person at `now`, out of their set.
const AGGREGATE: &str = "local function aggregate(key, now)
  local found = 'offline'
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf')) do
    if string.sub(member, -7) == ':online' then return 'online' end
    if string.sub(member, -5) == ':idle' then found = 'idle' end
  end
  return found
end
";

/// KEYS: the person's set, the set of all. ARGV: now, replica, status, until, person.
const APPLY: &str = "local before = aggregate(KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[2] .. ':online', ARGV[2] .. ':idle')
if ARGV[3] ~= 'offline' then redis.call('ZADD', KEYS[1], ARGV[4], ARGV[2] .. ':' .. ARGV[3]) end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] then
  redis.call('ZADD', KEYS[2], last[2], ARGV[5])
  redis.call('PEXPIREAT', KEYS[1], last[2])
else
  redis.call('ZREM', KEYS[2], ARGV[5])
end
return {before, aggregate(KEYS[1], ARGV[1])}";

/// KEYS: the set of all. ARGV: now, how many. Whoever takes somebody out tells of it.
const EXPIRE: &str = "local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, person in ipairs(gone) do redis.call('ZREM', KEYS[1], person) end
return gone";

/// The replicas' common knowledge.
pub(crate) struct Shared {
    redis: Redis,
    apply: Script,
    expire: Script,
}

impl Shared {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis, apply: Script::new(&format!("{AGGREGATE}{APPLY}")), expire: Script::new(EXPIRE) }
    }

    fn key(&self, user: Uuid) -> String {
        self.redis.key(&format!("presence:{user}"))
    }

    fn everybody(&self) -> String {
        self.redis.key("presence")
    }

    /// Says what this replica knows; the status of all replicas before and after. `None` when Redis is away.
    pub(super) async fn apply(
        &self,
        replica: Uuid,
        user: Uuid,
        status: Status,
        ttl: Duration,
        now: Micros,
    ) -> Option<(Status, Status)> {
        let mut call = self.apply.key(self.key(user));
        call.key(self.everybody()).arg(millis(now)).arg(replica.to_string());
        call.arg(status.as_str()).arg(millis(now.plus(ttl))).arg(user.to_string());
        let ask = |mut connection| async move { call.invoke_async::<(String, String)>(&mut connection).await };
        let (before, after) = self.redis.ask(ask).await?;
        Some((read(&before), read(&after)))
    }

    /// People whose entries have all expired and of whom nobody has told yet.
    pub(super) async fn expired(&self, now: Micros) -> Vec<Uuid> {
        let mut call = self.expire.key(self.everybody());
        call.arg(millis(now)).arg(EXPIRED_AT_ONCE);
        let ask = |mut connection| async move { call.invoke_async::<Vec<String>>(&mut connection).await };
        let gone = self.redis.ask(ask).await.unwrap_or_default();
        gone.iter().filter_map(|id| Uuid::try_parse(id).ok()).collect()
    }

    /// The statuses of people, in their order; `None` when Redis is away.
    pub(super) async fn statuses(&self, users: &[Uuid], now: Micros) -> Option<Vec<Status>> {
        if users.is_empty() {
            return Some(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for user in users {
            pipeline.zrangebyscore(self.key(*user), format!("({}", millis(now)), "+inf");
        }
        let ask = |mut connection| async move { pipeline.query_async::<Vec<Vec<String>>>(&mut connection).await };
        let members = self.redis.ask(ask).await?;
        let status = |members: &Vec<String>| {
            let says = |status: Status| members.iter().any(|member| member.ends_with(&format!(":{}", status.as_str())));
            match () {
                () if says(Status::Online) => Status::Online,
                () if says(Status::Idle) => Status::Idle,
                () => Status::Offline,
            }
        };
        Some(members.iter().map(status).collect())
    }
}

fn millis(at: Micros) -> i64 {
    at.0 / 1_000
}

fn read(text: &str) -> Status {
    match text {
        "online" => Status::Online,
        "idle" => Status::Idle,
        _ => Status::Offline,
    }
}
