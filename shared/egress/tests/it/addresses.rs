//! Nothing connects to an address that is not allowed.

use domain::egress::{
    AddressKind::{self, Loopback, Metadata, Private},
    AddressNotAllowed, Policy, UrlNotAllowed,
};
use egress::{Client, Error, Network, Step};
use std::{sync::Arc, time::Duration};

use crate::world::{CANARY, GENEROUS, LONG, NAME, Names, NoAnswer, Server, client_with, failure, fetch, https_server};

fn is_refused(error: &Error, kind: AddressKind) -> bool {
    matches!(error, Error::AddressNotAllowed(AddressNotAllowed(found)) if *found == kind) && !error.is_transient()
}

#[tokio::test]
async fn an_address_in_the_url_is_refused_without_a_question_or_a_connection() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = server.address.port();
    let names = Names::default();
    let client = client_with(names.clone(), Policy::default().with_ports([port]));
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "127.0.0.1.", "[::1]", "[64:ff9b::127.0.0.1]"] {
        let error = failure(&client, &format!("https://{host}:{port}/?{CANARY}"), GENEROUS).await;
        assert!(is_refused(&error, Loopback), "{host}: {error:?}");
    }
    assert!(names.asked().is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn a_name_is_refused_for_any_address_that_it_resolves_to() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = server.address.port();
    let names = Names::answering(&[&["127.0.0.1"], &["8.8.8.8", "10.0.0.1"], &["fd00:ec2::254", "8.8.8.8"]]);
    let client = client_with(names.clone(), Policy::default().with_ports([port]));
    for kind in [Loopback, Private, Metadata] {
        let error = failure(&client, &format!("https://{NAME}:{port}/?{CANARY}"), GENEROUS).await;
        assert!(is_refused(&error, kind), "{error:?}");
    }
    assert_eq!(names.asked(), [NAME; 3]);
    assert!(server.requests().is_empty());
}

/// The first answer is allowed, here because the stack is local; the second is what an attacker wants.
#[tokio::test]
async fn a_name_that_changes_its_answer_is_judged_anew_for_each_connection() {
    let (address, roots) = https_server().await;
    let names = Names::answering(&[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.1", "10.0.0.1"], &["127.0.0.1"]]);
    let policy = Policy::default().with_ports([address.port()]).local();
    let client = Client::on(Network { names: Arc::new(names.clone()), roots }, policy, LONG).unwrap();
    let url = format!("https://{NAME}:{}/?{CANARY}", address.port());

    assert_eq!(fetch(&client, &url, GENEROUS).await.unwrap(), b"a photo");
    // One answer is both judged and connected to: there is no second question in between.
    assert_eq!(names.asked().len(), 1);
    assert!(is_refused(&failure(&client, &url, GENEROUS).await, Metadata));
    assert!(is_refused(&failure(&client, &url, GENEROUS).await, Private));
    assert_eq!(fetch(&client, &url, GENEROUS).await.unwrap(), b"a photo");
    assert_eq!(names.asked().len(), 4);
}

#[tokio::test]
async fn a_final_dot_changes_neither_the_check_nor_the_certificate() {
    let (address, roots) = https_server().await;
    let names = Names::answering(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let policy = Policy::default().with_ports([address.port()]).local();
    let client = Client::on(Network { names: Arc::new(names.clone()), roots }, policy, LONG).unwrap();
    let url = format!("https://{NAME}.:{}/?{CANARY}", address.port());
    assert_eq!(fetch(&client, &url, GENEROUS).await.unwrap(), b"a photo");
    assert!(is_refused(&failure(&client, &url, GENEROUS).await, Private));
}

#[tokio::test]
async fn localhost_leads_to_the_machine_where_the_stack_is_local() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let port = server.address.port();
    let names = Names::answering(&[&["127.0.0.1"], &["8.8.8.8"]]);
    let client = client_with(names, Policy::default().local());
    let url = format!("http://localhost:{port}/?{CANARY}");
    assert_eq!(fetch(&client, &url, GENEROUS).await.unwrap(), b"ok");
    assert!(is_refused(&failure(&client, &url, GENEROUS).await, AddressKind::Public));

    let system = Client::new(Policy::default().local(), LONG).unwrap();
    assert_eq!(fetch(&system, &url, GENEROUS).await.unwrap(), b"ok");
    let strict = Client::new(Policy::default().with_ports([port]), LONG).unwrap();
    let error = failure(&strict, &format!("https://localhost:{port}/?{CANARY}"), GENEROUS).await;
    assert!(is_refused(&error, Loopback), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn the_runtime_api_is_refused_where_loopback_is_allowed() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let runtime_api = server.address.to_string().parse().unwrap();
    let names = Names::default();
    let client = client_with(names.clone(), Policy::default().with_runtime_api(Some(runtime_api)).local());
    for host in ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"] {
        let url = format!("http://{host}:{}/2018-06-01/runtime/invocation/next", server.address.port());
        let error = failure(&client, &url, GENEROUS).await;
        assert!(matches!(error, Error::UrlNotAllowed(UrlNotAllowed::RuntimeApi)), "{host}: {error:?}");
    }
    assert!(names.asked().is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn a_url_that_breaks_a_rule_is_refused_without_a_question() {
    let names = Names::default();
    let client = client_with(names.clone(), Policy::default());
    for (url, expected) in [
        (format!("https://{CANARY}@{NAME}/"), UrlNotAllowed::UserInfo),
        (format!("http://{NAME}/?{CANARY}"), UrlNotAllowed::Scheme),
        (format!("https://{NAME}:22/?{CANARY}"), UrlNotAllowed::Port(22)),
        (CANARY.to_owned(), UrlNotAllowed::Unreadable),
    ] {
        let error = failure(&client, &url, GENEROUS).await;
        assert!(matches!(&error, Error::UrlNotAllowed(found) if *found == expected), "{url}: {error:?}");
        assert!(!error.is_transient());
    }
    assert!(names.asked().is_empty());
}

#[tokio::test]
async fn a_name_without_an_address_may_have_one_later() {
    let client = client_with(Names::answering(&[&[]]), Policy::default());
    for _ in ["an empty answer", "a failure"] {
        let error = failure(&client, &format!("https://{NAME}/?{CANARY}"), GENEROUS).await;
        assert!(matches!(error, Error::NameNotFound(_)) && error.is_transient(), "{error:?}");
    }
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_is_given_up() {
    let network = Network { names: Arc::new(NoAnswer), ..Network::default() };
    let client = Client::on(network, Policy::default(), Duration::from_millis(20)).unwrap();
    let error = failure(&client, &format!("https://{NAME}/?{CANARY}"), GENEROUS).await;
    assert!(matches!(error, Error::Timeout(Step::Connecting)) && error.is_transient(), "{error:?}");
}
