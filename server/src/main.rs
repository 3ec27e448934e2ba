use engine::load::*;
use std::sync::Arc;
#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let eng = engine::Engine::open(&args[1], &[]).await.unwrap();
    match args[2].as_str() {
        "load" => {
            let mut req = LoadRequest::new(args[3..].iter().map(|p| Source::File(p.into())).collect(), 1);
            if let Ok(f) = std::env::var("FMT") {
                req.format = Some(Format::Table(f));
            }
            let t = std::time::Instant::now();
            match eng.load(&req, Arc::new(Silent)).await {
                Ok(s) => {
                    println!("{s:?}");
                }
                Err(e) => println!("ERR {}", e.describe(engine::Lang::En)),
            }
            println!("load {:?}", t.elapsed());
        }
        "verify" => println!("{:?}", eng.verify().await),
        "optimize" => println!("{:?}", eng.optimize(2).await),
        "stats" => {
            println!("{:#?} {:?}", eng.snapshot(None).await.unwrap().table_stats(), eng.store().snapshots().await)
        }
        _ => {}
    }
}
