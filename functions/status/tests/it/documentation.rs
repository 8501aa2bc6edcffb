//! The OpenAPI document, and the page that shows it.

use super::*;

const FILES: [(&str, &str); 5] = [
    ("/v1/openapi.json", "application/json"),
    ("/v1/docs", "text/html; charset=utf-8"),
    ("/v1/docs/explorer.js", "text/javascript; charset=utf-8"),
    ("/v1/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("/v1/docs/swagger-ui.css", "text/css; charset=utf-8"),
];

async fn read(scene: &Scene, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(&scene.routes, Method::GET, path, headers, "").await
}

#[tokio::test]
async fn anyone_reads_what_is_checked_in() {
    let scene = scene().await;
    scene.world.forget_calls();
    assert_eq!(read(&scene, "/v1/openapi.json", &[]).await.text, testkit::openapi::TEXT);
    let page = read(&scene, "/v1/docs", &[]).await;
    let linked = FILES.iter().filter(|(path, _)| path.starts_with("/v1/docs/"));
    for (path, _) in linked {
        let name = path.rsplit('/').next().unwrap();
        assert!(page.text.contains(&format!("\"docs/{name}\"")), "the page does not load {path}");
    }
    let script = read(&scene, "/v1/docs/swagger-ui-bundle.js", &[]).await.text;
    assert!(script.contains("SwaggerUIBundle") && script.len() > 1_000_000, "{}", script.len());
    assert!(scene.world.calls().is_empty(), "nothing is asked of AWS");
    assert_eq!(read(&scene, "/v1/docs/x.js", &[]).await.problem(), "ERR_NOT_FOUND");
}

#[tokio::test]
async fn a_file_is_kept_for_a_while_and_then_asked_for_by_its_tag() {
    let scene = scene().await;
    let mut tags = Vec::new();
    for (path, media_type) in FILES {
        let answer = read(&scene, path, &[]).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["content-type"]), (200, &media_type.parse().unwrap()));
        assert_eq!(answer.headers["cache-control"], "public, max-age=300");
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        let again = read(&scene, path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.headers["cache-control"], "public, max-age=300");
        tags.push(tag);
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), FILES.len());
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let scene = scene().await;
    let page = read(&scene, "/v1/docs", &[]).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let sources: Vec<&str> = policy.split(';').flat_map(|directive| directive.trim().split(' ').skip(1)).collect();
    for source in &sources {
        assert!(["'none'", "'self'", "'unsafe-inline'", "data:"].contains(source), "{source}");
    }
    assert!(policy.contains("script-src 'self';"), "no script within the page: {policy}");
    assert!(!page.text.contains("//"), "no URL of another host: {}", page.text);
}

#[tokio::test]
async fn api_gateway_gets_the_files_as_text() {
    let scene = scene().await;
    for (path, media_type) in FILES {
        let resource = if path.starts_with("/v1/docs/") { "/v1/docs/{file}" } else { path };
        let event = json!({
            "resource": resource, "path": path, "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
            "pathParameters": { "file": path.rsplit('/').next() }, "body": null, "isBase64Encoded": false,
            "requestContext": {
                "requestId": "gateway-1", "httpMethod": "GET", "path": path, "resourcePath": resource,
                "identity": { "sourceIp": "192.0.2.1" },
            },
        });
        let event = lambda_http::LambdaEvent::new(event, lambda_http::Context::default());
        let answer = scene.gateway.answer(event).await.unwrap();
        assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)), "{path}");
        assert_eq!(answer["multiValueHeaders"]["content-type"], json!([media_type]), "{path}");
        assert!(serde_json::to_vec(&answer).unwrap().len() < 6 * 1024 * 1024, "a function's longest answer");
    }
}
