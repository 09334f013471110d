//! Every power, with the official SDK, in parallel on accounts of their own.
mod shop;

use std::{
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use futures_util::StreamExt as _;
use s2_sdk::types::{
    CreateStreamInput, ListBasinsInput, ReadFrom, ReadInput, ReadSessionConfig, ReadStart,
    RetentionPolicy, StreamConfig,
};
use s2mock::{
    Account, Actor, Attempt, BasinResource, BoxError, Client, ClockKind, Control, Crashes, Error,
    Exchange, Fault, Faults, Filter, Hold, HoldPoint, Operation, Orders, Permission, ResourceSet,
    S2ErrorCode, S2Mock, StartOptions, StreamSeedConfig, Sweep, TokenRequest,
    types::{BasinSeedConfig, RetentionPolicy as Retention},
};
use shop::{
    Outcome, append, connect, orders_of, read, ship, ship_once, shop, stream_of, take, take_if_free,
};

const ITEMS: [&str; 2] = ["tea", "cake"];

async fn account() -> Outcome<Account> {
    Ok(S2Mock::shared().await?.account(shop()).await?)
}

fn lost() -> Fault {
    Fault::fail(S2ErrorCode::Unavailable).committed(true).into()
}

fn status_of(exchange: &Exchange) -> Option<u16> {
    exchange.response.as_ref().map(|response| response.status)
}

// Faults

#[tokio::test]
async fn answer_that_is_lost() -> Outcome {
    let account = account().await?;
    account.inject(lost().on(Operation::Append)).await?;
    ship_once(&account, &ITEMS).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ITEMS);
    let appends = account.journal().of(Operation::Append).await?;
    assert_eq!((status_of(&appends[0]), appends[0].effect.committed), (Some(503), true));
    Ok(account.end().await?)
}

#[tokio::test]
async fn connection_that_is_lost_after_one_that_passes() -> Outcome {
    let account = account().await?;
    let faults = Faults::in_order([None, Some(Fault::drop().committed(true).into())]);
    let injected = account.inject(faults.on(Operation::Append).stream("ord*")).await?;
    ship(&account, &ITEMS).await?;
    let bodies = account.stream("shop-basin", "orders").bodies().await?;
    assert_eq!(bodies, ["tea", "cake", "cake"]);
    let dropped = injected.wait(1).await?;
    assert_eq!((dropped.len(), status_of(&dropped[0])), (1, None));
    assert_eq!(injected.hits().await?, 1);
    Ok(account.end().await?)
}

#[tokio::test]
async fn effect_that_is_late() -> Outcome {
    let account = account().await?;
    let late = Fault::late().reads(1).code(S2ErrorCode::Storage);
    account.inject(late.on(Operation::Append)).await?;
    ship_once(&account, &["tea"]).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn fault_that_is_removed_is_not_demanded() -> Outcome {
    let account = account().await?;
    let injected = account.inject(Fault::cut().bytes(3).on(Operation::Read).always()).await?;
    let complaint = injected.state().await?.complaint.unwrap_or_default();
    assert!(complaint.contains(r#"{"Cut": {"bytes": 3}}"#), "{complaint}");
    injected.remove().await?;
    injected.remove().await?;
    Ok(account.end().await?)
}

#[tokio::test]
async fn wait_says_what_arrived_instead() -> Outcome {
    let account = account().await?;
    let fault = Fault::drop().on([Operation::Append]).stream("order").required(false);
    let injected = account.inject(fault).await?;
    ship(&account, &["tea"]).await?;
    let error = injected.wait_within(1, Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, Error::WaitTimeout(_)));
    let expected = "1 append arrived, to `orders`; the fault waits for `order`";
    assert!(error.to_string().contains(expected), "{error}");
    Ok(account.end().await?)
}

#[tokio::test]
async fn fault_that_never_fired_fails_its_test() -> Outcome {
    let account = account().await?;
    account.inject(Fault::drop().committed(true).on(Operation::Append)).await?;
    let error = account.end().await.unwrap_err();
    assert!(matches!(error, Error::Unused(_)));
    let expected = concat!(
        r#"a fault never fired: {"fault": {"Drop": {"committed": true}}, "on": "append"}; "#,
        "no append arrived"
    );
    assert!(format!("{error:?}").contains(expected), "{error}");
    Ok(())
}

// Holds and hooks

#[tokio::test]
async fn append_that_is_held_is_not_there_yet() -> Outcome {
    let account = account().await?;
    let held = account.hold(Hold::on(Operation::Append).at(HoldPoint::Commit)).await?;
    let client = Client::clone(&account);
    let shipping = tokio::spawn(async move { ship(&client, &["tea"]).await });
    assert_eq!(held.wait(1).await?[0].operation, Some(Operation::Append));
    assert!(read(&orders_of(&account)?).await?.is_empty());
    held.release().await?;
    shipping.await??;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn one_operation_is_released_with_a_fault() -> Outcome {
    let account = account().await?;
    let held = account.hold(Hold::on(Operation::Append).times(2)).await?;
    let both = async {
        let (first, second) =
            tokio::join!(ship_once(&account, &["tea"]), ship(&account, &["cake"]));
        first.and(second)
    };
    let releasing = async {
        let exchanges = held.wait(2).await?;
        held.release_with(&exchanges[0], Fault::drop()).await?;
        Outcome::Ok(held.release().await?)
    };
    let (both, released) = tokio::join!(both, releasing);
    both.and(released)?;
    let appends = account.journal().of(Operation::Append).await?;
    assert_eq!((appends[0].fault.is_some(), appends[0].effect.committed), (true, false));
    Ok(account.end().await?)
}

#[tokio::test]
async fn another_writer_is_faster() -> Outcome {
    let account = account().await?;
    let orders = account.stream("shop-basin", "orders");
    let theirs = orders.clone();
    let before = Hold::on(Operation::Append).times(1);
    let hook = account
        .hook(before, move |_| {
            let theirs = theirs.clone();
            async move { theirs.append(["theirs"]).await.map(drop) }
        })
        .await?;
    take_if_free(&account, "mine").await?;
    assert_eq!(orders.bodies().await?, ["theirs"]);
    assert_eq!(hook.count(), 1);
    Ok(account.end().await?)
}

#[tokio::test]
async fn hook_decides_the_fault() -> Outcome {
    let account = account().await?;
    account
        .hook(Operation::Append, async |exchange: Exchange| {
            let document = exchange.request.document.to_string();
            (document.contains("cake") && document.contains(r#""match_seq_num":1"#)).then(lost)
        })
        .await?
        .remove()
        .await?;
    let hook = account.hook(Hold::on(Operation::Append).times(1), async |_| Some(lost())).await?;
    ship_once(&account, &ITEMS).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ITEMS);
    assert_eq!(hook.exchanges()[0].operation, Some(Operation::Append));
    let appends = account.journal().of(Operation::Append).await?;
    assert_eq!(status_of(&appends[0]), Some(503));
    Ok(account.end().await?)
}

#[tokio::test]
async fn hook_that_fails_fails_its_test() -> Outcome {
    let account = account().await?;
    account.hook(Operation::Append, async |_| Err::<(), _>("no money")).await?;
    ship(&account, &["tea"]).await?;
    let error = account.end().await.unwrap_err();
    assert_eq!(error.to_string(), r#"a hook on "append" failed: no money"#);
    Ok(())
}

// Time

async fn timed() -> Outcome<Account> {
    Ok(S2Mock::shared().await?.account(shop().clock(ClockKind::Manual)).await?)
}

#[tokio::test]
async fn week_that_passes_at_once() -> Outcome {
    let account = timed().await?;
    let week = RetentionPolicy::Age(7 * 24 * 3600);
    let input = CreateStreamInput::new("of-a-week".parse()?)
        .with_config(StreamConfig::new().with_retention_policy(week));
    connect(&account)?.basin("shop-basin".parse()?).create_stream(input).await?;
    let orders = stream_of(&account, "of-a-week")?;
    append(&orders, "tea").await?;
    let before = account.clock().now().await?;
    let eight_days = Duration::from_secs(8 * 24 * 3600);
    account.advance(eight_days).await?;
    append(&orders, "cake").await?;
    assert_eq!(read(&orders).await?, ["cake"]);
    assert_eq!(account.clock().now().await?.duration_since(before)?, eight_days);
    Ok(account.end().await?)
}

#[tokio::test]
async fn delay_ends_when_the_clock_is_advanced() -> Outcome {
    let account = timed().await?;
    let minute = Duration::from_secs(60);
    account.inject(Fault::delay(minute).on(Operation::Append)).await?;
    let advancing = async {
        account.clock().wait_for_waiters(1).await?;
        assert!(account.stream("shop-basin", "orders").bodies().await?.is_empty());
        Outcome::Ok(account.advance(minute).await?)
    };
    let (shipped, advanced) = tokio::join!(ship(&account, &["tea"]), advancing);
    shipped.and(advanced)?;
    Ok(account.end().await?)
}

// Journal

#[tokio::test]
async fn exchange_has_its_request_and_its_effect() -> Outcome {
    let account = account().await?;
    let filter = Filter::from(Operation::Append).stream("orders");
    let journal = account.journal();
    let (waited, shipped) = tokio::join!(journal.wait_for(filter), ship_once(&account, &["tea"]));
    shipped?;
    let exchange = &waited?[0];
    let expected = serde_json::json!({"records": [{"body": "tea"}], "match_seq_num": 0});
    assert_eq!(exchange.request.document, expected);
    assert_eq!((exchange.effect.committed, exchange.effect.first_seq_num), (true, Some(0)));
    account.journal().clear().await?;
    assert!(account.journal().all().await?.is_empty());
    let error = account.journal().wait_for(Filter::new().status(503).wait(0.0)).await.unwrap_err();
    assert!(matches!(error, Error::WaitTimeout(_)), "{error}");
    Ok(account.end().await?)
}

#[tokio::test]
async fn exchanges_are_followed() -> Outcome {
    let account = account().await?;
    let mut following = account.journal().follow(Operation::Append).await?;
    let seen = async {
        let first = following.next().await?.and_then(|exchange| exchange.operation);
        let second = following.next().await?.and_then(|exchange| exchange.operation);
        Outcome::Ok([first, second])
    };
    let (seen, shipped) = tokio::join!(seen, ship(&account, &ITEMS));
    shipped?;
    assert_eq!(seen?, [Some(Operation::Append); 2]);
    drop(following);
    Ok(account.end().await?)
}

#[tokio::test]
async fn timeline_cassette_history_coverage_advice_status() -> Outcome {
    let account = account().await?;
    ship(&account, &ITEMS).await?;
    let journal = account.journal();
    let timeline = journal.timeline().await?;
    let lines = timeline.lines().collect::<Vec<_>>();
    assert_eq!((lines[0], lines.len()), ("s2mock: 2 exchanges", 3));
    assert!(lines[1].starts_with("1 ") && lines[1].contains(" append "), "{timeline}");
    assert!(journal.cassette().await?.lines().next().is_some_and(|one| one.contains("cassette")));
    assert!(journal.history(&Default::default()).await?.lines().count() > 2);
    assert_eq!(account.coverage().await?.operations["append"].calls, 2);
    assert!(account.advice().await?.is_empty());
    assert!(journal.get(1).await?.pytest.contains("tea"));
    let history = account.stream("shop-basin", "orders").history().await?;
    let by = history.lives[0].records.iter().map(|record| record.by).collect::<Vec<_>>();
    assert_eq!(by, [Some(1), Some(2)]);
    let folder = std::env::temp_dir().join(format!("s2mock-page-{}", std::process::id()));
    account.save_page(&folder).await?;
    assert!(std::fs::read_to_string(&folder)?.contains("<html"));
    std::fs::remove_file(folder)?;
    assert!(!account.status().await?.is_out);
    assert_eq!(account.streams().await?.streams[0].name, "orders");
    Ok(account.end().await?)
}

// State

#[tokio::test]
async fn snapshot_is_restored_saved_loaded_and_started_from() -> Outcome {
    let s2 = S2Mock::shared().await?;
    let account = account().await?;
    ship(&account, &["tea"]).await?;
    let snapshot = account.snapshot().await?;
    ship(&account, &["cake"]).await?;
    account.restore(&snapshot).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    let file = std::env::temp_dir().join(format!("s2mock-snapshot-{}", std::process::id()));
    snapshot.save(&file).await?;
    let loaded = s2.load(&file).await?;
    std::fs::remove_file(file)?;
    let other = s2.account(s2mock::AccountOptions::new().snapshot(loaded.number)).await?;
    assert_eq!(read(&orders_of(&other)?).await?, ["tea"]);
    snapshot.forget().await?;
    let error = account.restore(&snapshot).await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    other.end().await?;
    Ok(account.end().await?)
}

#[tokio::test]
async fn fork_goes_its_own_way_and_ends_with_its_origin() -> Outcome {
    let account = account().await?;
    ship(&account, &["tea"]).await?;
    let fork = account.fork().await?;
    ship(&fork, &["cake"]).await?;
    assert_eq!(read(&orders_of(&fork)?).await?, ITEMS);
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    account.end().await?;
    assert_eq!(fork.journal().all().await.unwrap_err().status(), Some(401));
    Ok(())
}

#[tokio::test]
async fn direct_calls_are_in_no_journal() -> Outcome {
    let account = account().await?;
    let other = account.basin("other-basin");
    other.create(BasinSeedConfig::new().create_stream_on_append(true)).await?;
    let week = StreamSeedConfig::new().retention_policy(Retention::new().age(60));
    let log = other.create_stream("log", week).await?;
    assert_eq!(log.append(["a", "b"]).await?, 0);
    let records = log.wait_for_records(2).await?;
    assert_eq!((records[1].seq_num, records[1].text()), (1, "b".to_owned()));
    assert_eq!(log.look().await?.tail.seq_num, 2);
    assert_eq!(other.look().await?.config.create_stream_on_append, Some(true));
    assert!(account.journal().all().await?.is_empty());
    account.reset().await?;
    assert!(log.look().await.is_err());
    Ok(account.end().await?)
}

#[tokio::test]
async fn reader_at_the_tail_is_awaited() -> Outcome {
    let account = account().await?;
    let start = ReadStart::new().with_from(ReadFrom::TailOffset(0)).with_clamp_to_tail(true);
    let orders = orders_of(&account)?;
    let input = ReadInput::new().with_start(start);
    let mut session = orders.read_session(input, ReadSessionConfig::new()).await?;
    let reading = tokio::spawn(async move { session.next().await });
    let stream = account.stream("shop-basin", "orders");
    stream.wait_for_readers(1).await?;
    assert_eq!(stream.readers().await?, 1);
    stream.append(["tea"]).await?;
    let batch = reading.await?.ok_or("the session has ended")??;
    assert_eq!(batch.records[0].body.as_ref(), b"tea");
    Ok(account.end().await?)
}

// Access

#[tokio::test]
async fn token_that_may_only_read() -> Outcome {
    let account = account().await?;
    let all = ResourceSet::with_prefix("");
    let request = TokenRequest::new("reader")
        .basins(all.clone())
        .streams(all)
        .on_streams(Permission::Read)
        .expires_at("2999-01-01T00:00:00Z");
    let reader = account.issue_token(&request).await?;
    assert!(read(&orders_of(&reader)?).await?.is_empty());
    let error = ship(&reader, &["tea"]).await.unwrap_err();
    assert!(error.to_string().contains("permission"), "{error}");
    reader.revoke().await?;
    assert!(read(&orders_of(&reader)?).await.is_err());
    Ok(account.end().await?)
}

#[tokio::test]
async fn accounts_at_the_same_time_never_meet() -> Outcome {
    let numbers = 0..8;
    let each = numbers.map(async |number| {
        let account = account().await?;
        let item = format!("of {number}");
        ship(&account, &[&item]).await?;
        assert_eq!(read(&orders_of(&account)?).await?, [item]);
        Outcome::Ok(account.end().await?)
    });
    futures_util::future::try_join_all(each).await.map(drop)
}

#[tokio::test]
async fn app_that_reads_the_environment_by_itself() -> Outcome {
    let (account, other) = (account().await?, account().await?);
    // SAFETY: a child has it, and no other test of this binary reads or writes these variables.
    let guard = unsafe { account.use_env()? };
    let error = unsafe { other.use_env() }.unwrap_err();
    assert!(error.to_string().contains("has the variables of another account"), "{error}");
    let shown = Command::new("sh").args(["-c", "echo $S2_ACCESS_TOKEN"]).output()?;
    assert_eq!(String::from_utf8(shown.stdout)?.trim(), account.token());
    drop(guard);
    assert!(std::env::var_os("S2_ACCESS_TOKEN").is_none());
    let shown =
        Command::new("sh").args(["-c", "echo $S2_BASIN_ENDPOINT"]).envs(other.env()).output()?;
    assert_eq!(String::from_utf8(shown.stdout)?.trim(), other.url());
    other.end().await?;
    Ok(account.end().await?)
}

#[tokio::test]
async fn outage_ends() -> Outcome {
    let account = account().await?;
    let s2 = connect(&account)?;
    let failed = account.outage(async { s2.list_basins(ListBasinsInput::new()).await.is_err() });
    assert!(failed.await?);
    assert_eq!(s2.list_basins(ListBasinsInput::new()).await?.values.len(), 1);
    Ok(account.end().await?)
}

// Campaigns

async fn shipment(attempt: &Attempt) -> Outcome {
    ship(attempt, &ITEMS).await?;
    assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
    Ok(())
}

#[tokio::test]
async fn sweep_finds_what_is_shipped_twice() -> Outcome {
    let account = account().await?;
    let plan = Sweep::of([lost(), Fault::drop().into()], Operation::Append);
    let error = account.sweep(plan, shipment).await.unwrap_err();
    assert!(matches!(error, Error::CampaignFailed(_)), "{error}");
    let report = error.to_string();
    for text in [
        "at append 1 of 2: ",
        "#[tokio::test]\n",
        "async fn shipment_",
        "CampaignRequest::from_json(",
        ".campaign(plan, shipment)",
    ] {
        assert!(report.contains(text), "{text}: {report}");
    }
    Ok(account.end().await?)
}

#[tokio::test]
async fn printed_test_is_red_on_the_bug_and_green_on_its_twin() -> Outcome {
    let s2 = S2Mock::shared().await?;
    let plan = Sweep::of([lost()], Operation::Append).options(shop());
    let report = s2.sweep(plan, shipment).await.unwrap_err().to_string();
    let (_, rest) = report.split_once("from_json(r#\"").ok_or("no plan")?;
    let (json, _) = rest.split_once("\"#)?").ok_or("no end")?;
    let plan = s2mock::CampaignRequest::from_json(json)?;
    let error = s2.campaign(plan.clone(), shipment).await.unwrap_err();
    assert!(error.to_string().contains("the attempt failed"), "{error}");
    let repaired = async |attempt: &Attempt| -> Outcome {
        ship_once(attempt, &ITEMS).await?;
        assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
        Ok(())
    };
    assert!(s2.campaign(plan, repaired).await?.passed);
    Ok(())
}

#[tokio::test]
async fn careful_program_passes_the_sweep() -> Outcome {
    let account = account().await?;
    let faults = [lost(), Fault::drop().committed(true).into(), Fault::late().reads(1).into()];
    let report = account
        .sweep(Sweep::of(faults, Operation::Append), async |attempt| {
            ship_once(attempt, &ITEMS).await?;
            assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
            Outcome::Ok(())
        })
        .await?;
    assert_eq!((report.passed, report.attempts), (true, 7));
    Ok(account.end().await?)
}

async fn two_customers(attempt: &Attempt) -> Outcome {
    let buy = async |actor: Actor| take(&actor, actor.name()).await;
    attempt.actors().actor("a", buy).actor("b", buy).go().await?;
    assert_eq!(read(&orders_of(attempt)?).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn seat_is_sold_twice_in_two_of_four_orders() -> Outcome {
    let account = account().await?;
    let error = account.orders(Orders::new(["a", "b"]), two_customers).await.unwrap_err();
    let expected =
        "2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append";
    assert!(error.to_string().contains(expected), "{error}");
    Ok(account.end().await?)
}

#[tokio::test]
async fn seat_is_sold_once_in_every_order() -> Outcome {
    let plan = Orders::new(["a", "b"]).options(shop());
    let report = S2Mock::shared()
        .await?
        .orders(plan, async |attempt| {
            let buy = async |actor: Actor| take_if_free(&actor, actor.name()).await;
            attempt.actors().actor("a", buy).actor("b", buy).go().await?;
            assert_eq!(read(&orders_of(attempt)?).await?.len(), 1);
            Outcome::Ok(())
        })
        .await?;
    assert_eq!(report.attempts, 2);
    Ok(())
}

#[tokio::test]
async fn actor_that_fails_or_is_not_there_is_named() -> Outcome {
    let account = account().await?;
    let plan = Orders::new(["a", "b"]);
    let error = account
        .orders(plan.clone(), async |attempt| {
            let fail = async |_| Err::<(), BoxError>("no money".into());
            let buy = async |actor: Actor| take(&actor, "bob").await;
            attempt.actors().actor("a", fail).actor("b", buy).go().await
        })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a failed with no money"), "{error}");
    let error = account
        .orders(plan, async |attempt| {
            attempt.actors().actor("c", async |_| Outcome::Ok(())).go().await
        })
        .await
        .unwrap_err();
    let expected = r#"this attempt has no actor "c": there are a, b"#;
    assert!(error.to_string().contains(expected), "{error}");
    Ok(account.end().await?)
}

#[tokio::test]
async fn actor_that_does_not_end_is_named_with_those_that_failed() -> Outcome {
    let account = account().await?;
    let plan = Orders::new(["a", "b"]).timeout(1.0);
    let error = account
        .orders(plan, async |attempt| {
            let fail = async |_| Err::<(), BoxError>("no money".into());
            let hang = async |_| Outcome::Ok(std::future::pending::<()>().await);
            attempt.actors().actor("a", fail).actor("b", hang).go().await
        })
        .await
        .unwrap_err()
        .to_string();
    for text in ["b runs, and waits for nothing of the service", "; a failed with no money"] {
        assert!(error.contains(text), "{text}: {error}");
    }
    Ok(account.end().await?)
}

#[tokio::test]
async fn worker_that_fails_by_itself_fails_its_attempt() -> Outcome {
    let account = account().await?;
    let error = account
        .crashes(Crashes::at(Operation::Append), async |attempt| {
            attempt.run(async |_| Err::<(), BoxError>("no money".into())).await.map(drop)
        })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("worker failed with no money"), "{error}");
    Ok(account.end().await?)
}

#[tokio::test]
async fn item_is_shipped_once_with_every_crash() -> Outcome {
    let account = account().await?;
    let titles = std::sync::Mutex::new(Vec::new());
    account
        .crashes(Crashes::at(Operation::Append), async |attempt| {
            titles.lock().unwrap().push(attempt.title().to_owned());
            let work = async |worker: Actor| ship_once(&worker, &ITEMS).await;
            if attempt.run(work).await? {
                ship_once(attempt, &ITEMS).await?;
            }
            assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
            Outcome::Ok(())
        })
        .await?;
    let titles = titles.into_inner()?;
    assert_eq!(titles.len(), 5);
    assert!(titles.iter().any(|title| title == "a crash before append 2"), "{titles:?}");
    Ok(account.end().await?)
}

#[tokio::test]
async fn crash_after_an_append_that_is_repeated_is_found() -> Outcome {
    let account = account().await?;
    let error = account
        .crashes(Crashes::at(Operation::Append), async |attempt| {
            if attempt.run(async |worker: Actor| ship(&worker, &ITEMS).await).await? {
                ship(attempt, &ITEMS).await?;
            }
            assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
            Outcome::Ok(())
        })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a crash after append 1"), "{error}");
    Ok(account.end().await?)
}

// The end of a test

#[tokio::test]
async fn account_has_the_name_of_its_test() -> Outcome {
    let s2 = S2Mock::shared().await?;
    let account = account().await?;
    assert_eq!(account.name(), Some("account_has_the_name_of_its_test"));
    let names = s2.list().await?.into_iter().map(|one| one.name).collect::<Vec<_>>();
    let expected = "account_has_the_name_of_its_test, 0 exchanges";
    assert!(names.iter().any(|name| name == expected), "{names:?}");
    let report = account.report().await?;
    assert_eq!(report, "--- s2mock: 0 exchanges (account_has_the_name_of_its_test) ---");
    Ok(account.end().await?)
}

#[tokio::test]
async fn run_ends_the_account() -> Outcome {
    let s2 = S2Mock::shared().await?;
    let mut token = String::new();
    let shipped = s2
        .run(shop(), async |account| {
            token = account.token().to_owned();
            ship(account, &["tea"]).await?;
            Outcome::Ok(account.stream("shop-basin", "orders").bodies().await?)
        })
        .await?;
    assert_eq!(shipped, ["tea"]);
    assert_eq!(
        s2.control().with_token(&token).read_status().await.unwrap_err().status(),
        Some(401)
    );
    let error = s2
        .run(shop(), async |account| {
            account.hold(Operation::Append).await?;
            Outcome::Ok(())
        })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a hold held nothing"), "{error}");
    Ok(())
}

#[tokio::test]
async fn options_of_the_account_are_those_of_the_request() -> Outcome {
    let basin = BasinResource::new("big-basin")
        .config(BasinSeedConfig::new().create_stream_on_append(true))
        .streams(["a", "b"]);
    let options = s2mock::AccountOptions::new()
        .name("of the shop")
        .basins([basin])
        .clock(s2mock::types::ManualClock { manual: 1_700_000_000.0 })
        .append_latency(Duration::from_millis(2));
    let account = S2Mock::shared().await?.account(options).await?;
    assert_eq!(account.name(), Some("of the shop"));
    assert_eq!(account.streams().await?.count, 2);
    assert_eq!(account.clock().now().await?, UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    Ok(account.end().await?)
}

#[tokio::test]
async fn server_that_is_not_there() {
    let options = StartOptions::new().url("http://127.0.0.1:1");
    let error = S2Mock::start_with(options).await.unwrap_err().to_string();
    for text in [
        "there is no s2mock at S2MOCK_URL=http://127.0.0.1:1: ",
        "cannot be reached",
        "unset S2MOCK_URL",
    ] {
        assert!(error.contains(text), "{error}");
    }
    let error = Control::new("https://127.0.0.1:1/v1", None).unwrap_err().to_string();
    assert!(error.contains("it must be http://HOST:PORT, without a path"), "{error}");
}

#[tokio::test]
async fn server_that_does_not_start_says_why() {
    let options = StartOptions::new().arguments(["--deletion-delay", "never"]);
    if std::env::var_os("S2MOCK_URL").is_some() {
        return;
    }
    let error = S2Mock::start_with(options).await.unwrap_err();
    assert!(matches!(error, Error::Start(_)));
    assert!(error.to_string().contains("--deletion-delay"), "{error}");
}
