import ActivationFiles
import Foundation
import TestSupport
import Testing

/// `cka-bench`, built beside these tests.
struct BenchTests {
  let bench: Cka

  init() throws {
    var bench = try Cka()
    bench.program =
      URL(fileURLWithPath: Cka.path).deletingLastPathComponent().path + "/cka-bench"
    self.bench = bench
  }

  private func json(_ name: String) throws -> [String: Any] {
    let data = Data(try bench.bytes(name))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func rows(_ name: String) throws -> [[String: Any]] {
    try #require(json(name)["rows"] as? [[String: Any]])
  }

  @Test func quickIsRight() throws {
    let run = try bench("--quick", "--device", "cpu", "--runs", "1", "--json", "bench.json")
    run.expectSuccess()
    let document = try json("bench.json")
    #expect(document["format"] as? String == "cka-bench/2")
    let limits = try #require(document["limits"] as? [String: Any])
    let peak = try #require((limits["sgemm"] as? [String: Any])?["gigaflops"] as? Double)
    let tried = try #require(limits["sgemmTried"] as? [[String: Any]])
    #expect(peak > 0 && tried.allSatisfy { ($0["gigaflops"] as? Double ?? .infinity) <= peak })
    let names = [
      "minibatch", "minibatch-float16", "minibatch-bfloat16", "full-set", "rbf", "pairs",
    ]
    let rows = try rows("bench.json")
    #expect(rows.map { ($0["workload"] as? [String: Any])?["name"] as? String } == names)
    for row in rows {
      // The stated accuracy.
      #expect(try #require(row["error"] as? Double) < 1e-5)
      #expect(row["undefined"] as? Int == 0)
      let seconds = try #require((row["seconds"] as? [String: Any])?["median"] as? Double)
      let bound = try #require(row["bound"] as? [String: Any])
      #expect(seconds > 0 && (bound["seconds"] as? Double ?? 0) > 0)
      // Swift's runtime alone takes a few MiB, and no quick workload a tenth of a GiB.
      #expect((4 << 20..<400 << 20).contains(try #require(row["peakMemory"] as? Int)))
    }
    for name in names + ["sgemm peak", "of limit"] { #expect(run.output.contains(name)) }

    // A difference with itself has every row and no verdict but noise.
    let same = try bench("diff", "bench.json", "bench.json")
    same.expectSuccess()
    #expect(lines(same.output).count == 1 + names.count)
  }

  @Test func aCustomShapeIsCounted() throws {
    let run = try bench(
      "--layers", "3", "--examples", "40", "--features", "10-30", "--batch-size", "16", "--runs",
      "1", "--device", "cpu", "--json", "bench.json", "--quick")
    run.expectSuccess()
    let row = try #require(rows("bench.json").first)
    // Two models of 10, 20 and 30 features; two batches of 16 of the 40 examples. Gram matrices
    // have 16·17/2 entries of p products and sums each, pairs 16·15/2 products and sums.
    let (features, batches) = (2 * (10 + 20 + 30), 2)
    let gram = Double(2 * batches * features * (16 * 17 / 2))
    let pairs = Double(2 * batches * 9 * (16 * 15 / 2))
    #expect(abs(try #require(row["gramWork"] as? Double) * 1e9 - gram) < 1e-3)
    #expect(abs(try #require(row["pairsWork"] as? Double) * 1e9 - pairs) < 1e-3)
    #expect(run.output.contains("3 × 3 layers of 10 to 30 features (mean 20), 40 examples"))
  }

  @Test func ownModelsAreMeasured() throws {
    let model = TestModel(layers: 4, n: 24)
    try bench.folder.write(model.npz, to: "model.npz")
    let run = try bench(
      "model.npz", "--batch-size", "8", "--runs", "1", "--quick", "--device", "cpu", "--json",
      "bench.json")
    run.expectSuccess()
    let row = try #require(rows("bench.json").first)
    #expect(try #require(row["error"] as? Double) < 1e-5)
    #expect((row["workload"] as? [String: Any])?["models"] as? Int == 1)
  }

  @Test(
    arguments: [
      (["--workload", "everything"], "everything"), (["a", "b", "c"], "two models"),
      (["--runs", "0"], "run"), (["--features", "9-3"], "9-3"),
      (["--python", "python3"], "--peers"), (["--workload", "rbf", "--layers", "2"], "shape"),
      (["--peers", "--device", "cpu", "--device", "opencl"], "one device"),
      (["model.npz", "--layers", "2"], "own layers"), (["scaling", "--runs", "0"], "run"),
      (["diff", "one.json"], "new.json"),
    ])
  func badArgumentsAreRefused(arguments: [String], word: String) throws {
    let run = try bench.run(arguments)
    #expect(run.code == 64)
    #expect(run.errors.contains(word), "\(run.errors)")
    #expect(run.output.isEmpty)
  }

  @Test(
    arguments: [
      (["--quick", "--device", "gpu"], 64, "gpu"), (["missing.npz"], 66, "missing.npz"),
      (["--quick", "--device", "opencl:99"], 69, "opencl:99"),
      (["--quick", "--peers", "--scripts", "nowhere"], 66, "nowhere"),
      (["diff", "missing.json", "missing.json"], 66, "missing.json"),
    ] as [([String], Int32, String)])
  func failuresAreOneLine(arguments: [String], code: Int32, word: String) throws {
    let run = try bench.run(arguments)
    #expect(run.code == code)
    #expect(run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.hasPrefix("cka-bench: error: ") && run.errors.contains(word))
  }

  @Test func scalingIsMeasuredAndDrawn() throws {
    let run = try bench(
      "scaling", "--quick", "--runs", "1", "--output", "picture", "--json", "scaling.json")
    run.expectSuccess()
    #expect(try bench.bytes("picture.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try String(decoding: bench.bytes("picture.svg"), as: UTF8.self).contains("<svg"))
    for size in ["layers", "examples", "features", "batch size", "threads"] {
      #expect(lines(run.output).contains { $0.contains(size) && $0.contains("median") })
    }
    let rows = try rows("scaling.json")
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let threads = rows.compactMap { $0["threads"] as? Int }
    #expect(threads.first == 1 && threads.allSatisfy { $0 <= cores && $0.nonzeroBitCount == 1 })
    #expect(rows.count == 4 * 3 + threads.count)
  }

  @Test func anInterruptLeavesNothing() throws {
    var bench = bench
    bench.environment["TMPDIR"] = bench.folder.path
    // Long enough to be interrupted.
    var process = try bench.start(["--workload", "pairs", "--runs", "1000", "--device", "cpu"])
    func temporary() throws -> [String] {
      try bench.contents().filter { $0.hasPrefix("cka-bench-") }
    }
    while try temporary().isEmpty, process.isRunning() { usleep(1000) }
    #expect(try temporary().count == 1)
    kill(process.id, SIGINT)
    let run = try process.wait()
    #expect(run.signal == SIGINT)
    #expect(try temporary().isEmpty)
  }
}
