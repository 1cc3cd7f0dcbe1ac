//! Prepares every SQL constant on both engines, so that a statement only one of them understands fails here.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

use super::*;

fn statements() -> Vec<(&'static str, &'static str)> {
    [
        activities::ALL,
        analytics::ALL,
        bans::ALL,
        breakouts::ALL,
        calls::ALL,
        channels::ALL,
        codes::ALL,
        conversations::ALL,
        erasure::ALL,
        erasure_of_deleted::ALL,
        events::ALL,
        guests::ALL,
        hosting::ALL,
        identities::ALL,
        installation::ALL,
        jobs::ALL,
        lobby::ALL,
        members::ALL,
        meeting_invites::ALL,
        meeting_occurrences::ALL,
        meetings::ALL,
        meetings_adrift::ALL,
        messages::ALL,
        nodes::ALL,
        notifications::ALL,
        organization_invites::ALL,
        organizations::ALL,
        admin::ALL,
        files::ALL,
        settings::ALL,
        outbox::ALL,
        preferences::ALL,
        presence::ALL,
        push_subscriptions::ALL,
        analytics::quality::ALL,
        rings::ALL,
        rooms::ALL,
        sessions::ALL,
        tickets::ALL,
        users::ALL,
    ]
    .concat()
}

#[tokio::test]
async fn every_statement_prepares_on_sqlite() {
    let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::migrate!("../migrations/sqlite").run(&mut connection).await.unwrap();
    let only_here = [
        ("CLAIM", jobs::CLAIM_ON_SQLITE),
        ("BLANK_ACTORS", erasure::BLANK_ACTORS_ON_SQLITE),
        ("BLANK_REMOVED", erasure::BLANK_REMOVED_ON_SQLITE),
        ("BLANK_ADDRESSES", erasure::BLANK_ADDRESSES_ON_SQLITE),
        ("FILES", files::LIST_OF_MESSAGES_ON_SQLITE),
        ("INSERT", notifications::INSERT_ON_SQLITE),
        ("MENTIONED", notifications::MENTIONED_ON_SQLITE),
        ("LEADS", preferences::LIST_LEADS_ON_SQLITE),
        ("LIST_OF_TOPICS", events::LIST_OF_TOPICS_ON_SQLITE),
        ("REWRITE", events::REWRITE_ON_SQLITE),
        ("BLANK", events::BLANK_ON_SQLITE),
        ("ADD_QUALITY", analytics::quality::ADD_QUALITY_ON_SQLITE),
    ];
    for (name, sql) in statements().into_iter().chain(only_here) {
        if let Err(error) = (&mut connection).prepare(sql.into_sql_str()).await {
            panic!("{name}: {error}\n{sql}");
        }
    }
}

#[tokio::test]
async fn every_statement_prepares_on_postgres() {
    let Ok(server) = std::env::var("PLENUM_TEST_POSTGRES_URL") else {
        assert!(std::env::var_os("PLENUM_TEST_REQUIRE_POSTGRES").is_none(), "PLENUM_TEST_POSTGRES_URL is not set");
        return;
    };
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let name = format!("plenum_statements_{}", uuid::Uuid::now_v7().simple());
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    let mut connection = PgConnection::connect(url.as_str()).await.unwrap();
    sqlx::migrate!("../migrations/postgres").run(&mut connection).await.unwrap();
    let only_here = [
        ("CLAIM", jobs::CLAIM_ON_POSTGRES),
        ("BLANK_ACTORS", erasure::BLANK_ACTORS_ON_POSTGRES),
        ("BLANK_REMOVED", erasure::BLANK_REMOVED_ON_POSTGRES),
        ("BLANK_ADDRESSES", erasure::BLANK_ADDRESSES_ON_POSTGRES),
        ("FILES", files::LIST_OF_MESSAGES_ON_POSTGRES),
        ("INSERT", notifications::INSERT_ON_POSTGRES),
        ("MENTIONED", notifications::MENTIONED_ON_POSTGRES),
        ("LEADS", preferences::LIST_LEADS_ON_POSTGRES),
        ("LIST_OF_TOPICS", events::LIST_OF_TOPICS_ON_POSTGRES),
        ("REWRITE", events::REWRITE_ON_POSTGRES),
        ("BLANK", events::BLANK_ON_POSTGRES),
        ("ADD_QUALITY", analytics::quality::ADD_QUALITY_ON_POSTGRES),
    ];
    for (name, sql) in statements().into_iter().chain(only_here) {
        if let Err(error) = (&mut connection).prepare(sql.into_sql_str()).await {
            panic!("{name}: {error}\n{sql}");
        }
    }
    connection.close().await.unwrap();
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
}
