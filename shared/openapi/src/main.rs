//! Writes `docs/openapi.json`.

fn main() -> std::io::Result<()> {
    std::fs::write(openapi::PATH, openapi::text())
}
