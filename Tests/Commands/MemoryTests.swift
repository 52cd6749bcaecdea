import Foundation
import TestSupport
import Testing

/// `--memory`, `--dry-run` and `--median`: what is promised, and what happens.
struct MemoryTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  /// A model of `layers` layers of n × p, all alike but for some noise.
  private func write(layers: Int, n: Int, p: Int, to folder: String) throws {
    var generator = SeededGenerator(seed: 3)
    let header = NPYFile.header(descr: "<f4", shape: [n, p])
    for layer in 0..<layers {
      var data: [UInt8] = []
      data.reserveCapacity(4 * n * p)
      for index in 0..<(n * p) {
        let shared = Float((index / p &* 7919 &+ index % p % 16 &* 104_729) % 97) / 97
        let value = shared + Float(generator.next() >> 40) * 0x1p-24
        withUnsafeBytes(of: value) { data.append(contentsOf: $0) }
      }
      try cka.folder.write(NPYFile.bytes(header: header, data: data), to: "\(folder)/l\(layer).npy")
    }
  }

  @Test(arguments: [
    ["--memory", "0"], ["--memory", "4X"], ["--memory", "-1G"], ["--memory", "G"],
    ["--memory", "nan"], ["--memory", "1e3"], ["--memory", "inf"], ["--memory", "9999999999T"],
    ["--median", "sample"], ["--median", "exact", "--estimator", "unbiased"],
    ["--median", "sample", "--kernel", "rbf"],
    ["--median", "sample", "--kernel", "rbf", "--estimator", "biased", "--sigma", "2"],
    ["--median", "most", "--kernel", "rbf", "--estimator", "biased"],
  ])
  func refusesWrongOptions(options: [String]) throws {
    try cka.folder.write(TestModel(layers: 2).npz, to: "m.npz")
    let run = try cka.run(["compare", "m.npz"] + options)
    #expect(run.code == 64 && run.output.isEmpty)
    #expect(run.errors.contains("Usage: cka compare"), "\(run.errors)")
    try cka.expectNothingWritten()
  }

  @Test(arguments: ["minibatch", "unbiased", "biased"])
  func aDryRunPrintsThePlanAndWritesNothing(estimator: String) throws {
    try cka.folder.write(TestModel(layers: 3, n: 40).npz, to: "m.npz")
    let batches = estimator == "minibatch" ? ["--batch-size", "16"] : []
    let run = try cka.run(
      [
        "compare", "m.npz", "--estimator", estimator, "--device", "cpu", "--dry-run", "--output",
        "result",
      ]
        + batches)
    #expect(run.code == 0, "\(run.errors)")
    for word in ["algorithm", "peak memory", "expected time", "activations read", "on cpu"] {
      #expect(run.output.contains(word), "\(run.output)")
    }
    #expect(run.output.contains(estimator == "minibatch" ? "2 minibatches" : "one step"))
    #expect(try cka.contents() == ["m.npz"])
  }

  /// A dry run needs no place to write to, and leaves an earlier result alone.
  @Test func aDryRunMindsNoEarlierResult() throws {
    try cka.folder.write(TestModel(layers: 2).npz, to: "m.npz")
    try cka("compare", "m.npz", "--device", "cpu", "--batch-size", "8").expectSuccess()
    try cka("compare", "m.npz", "--device", "cpu", "--batch-size", "8", "--dry-run").expectSuccess()
  }

  /// The number of MiB that the error message says would do.
  private func least(_ run: Run) throws -> Int {
    let words = run.errors.split(separator: " ")
    let place = try #require(words.lastIndex(of: "--memory"))
    return try #require(Int(words[place + 1].prefix(while: \.isNumber)))
  }

  @Test(arguments: ["minibatch", "unbiased"])
  func refusesWhatIsTooLittleAndTakesWhatItAskedFor(estimator: String) throws {
    try cka.folder.write(TestModel(layers: 3, n: 600).npz, to: "m.npz")
    let arguments = ["compare", "m.npz", "--estimator", estimator, "--device", "cpu", "--memory"]
    let refused = try cka.run(arguments + ["20M"])
    refused.expectFailure(64, "--memory 20.0 MiB is too small", "at least --memory")
    try cka.expectNothingWritten()
    let least = try least(refused)
    let (run, peak) = try cka.runMeasuringMemory(arguments + ["\(least)M"])
    #expect(run.code == 0, "\(run.errors)")
    if let peak { #expect(peak <= least << 20, "\(peak >> 20) MiB of \(least)") }
  }

  /// 16 matrices of 4,000 examples would take 512 MB, and the linear kernel's features do not.
  @Test func keepsItsMemory() throws {
    try write(layers: 16, n: 4000, p: 64, to: "m")
    for (size, kernel) in [(240, "rbf"), (300, "rbf"), (400, "rbf"), (200, "linear")] {
      let (run, peak) = try cka.runMeasuringMemory(
        [
          "compare", "m", "--estimator", "unbiased", "--kernel", kernel, "--median", "sample",
          "--device", "cpu", "--memory", "\(size)M", "--output", "\(kernel)-\(size)",
        ].filter { kernel == "rbf" || $0 != "--median" && $0 != "sample" })
      #expect(run.code == 0, "\(run.errors)")
      if let peak { #expect(peak <= size << 20, "\(peak >> 20) MiB of \(size), \(kernel)") }
      let result = try TestResult(cka, "\(kernel)-\(size)")
      #expect(result.json("plan", "memory") as? Int == size << 20)
      let pairs = try #require(result.json("plan", "pairs") as? [String: Int])
      #expect(pairs == [kernel == "rbf" ? "tiles" : "features": 136])
    }
    // The same examples, whatever the tiles: float32 sums of other lengths.
    let results = try [240, 300, 400].map { try TestResult(cka, "rbf-\($0)") }
    for result in results {
      for (a, b) in zip(result.cka.bits, results[0].cka.bits) {
        #expect(abs(Double(bitPattern: a) - Double(bitPattern: b)) < 1e-6)
      }
    }
    #expect(results[0].json("kernel", "medianExamples") as? Int == 1024)
  }

  /// Wide layers in tiles, as tight as it goes: what one tile's features have freed does not count for the next.
  @Test func keepsItsMemoryWithWideLayers() throws {
    try write(layers: 6, n: 3000, p: 1500, to: "m")
    for command in [
      ["compare", "m", "--estimator", "unbiased"],
      ["converge", "m", "--batch-sizes", "32", "--repeats", "2"],
    ] {
      let arguments = command + ["--device", "cpu", "--output", command[0], "--memory"]
      let refused = try cka.run(arguments + ["40M"])
      refused.expectFailure(64, "--memory 40.0 MiB is too small")
      let least = try least(refused)
      let (run, peak) = try cka.runMeasuringMemory(arguments + ["\(least)M"])
      #expect(run.code == 0, "\(run.errors)")
      if let peak { #expect(peak <= least << 20, "\(peak >> 20) MiB of \(least), \(command[0])") }
    }
  }

  /// 8 matrices of 2,500 examples would take 100 MB three times; a layer at a time they do not.
  @Test func componentsKeepTheirMemory() throws {
    try write(layers: 8, n: 2500, p: 64, to: "m")
    let arguments = ["components", "m", "--device", "cpu", "--controls", "1"]
    let refused = try cka.run(arguments + ["--memory", "50M"])
    refused.expectFailure(64, "--memory 50.0 MiB is too small", "at least --memory")
    let least = try least(refused)
    for size in [least, 600] {
      let (run, peak) = try cka.runMeasuringMemory(
        arguments + ["--memory", "\(size)M", "--output", "\(size)"])
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.errors.contains("layer by layer") == (size == least))
      if let peak { #expect(peak <= size << 20, "\(peak >> 20) MiB of \(size)") }
    }
    for (file, shape) in [
      ("cka.npy", [8, 8]), ("reduced.npy", [1, 8, 8]), ("removal.npy", [5, 8, 8]),
    ] {
      let tiled = try cka.numbers("\(least)/\(file)", shape: shape)
      let atOnce = try cka.numbers("600/\(file)", shape: shape)
      for (a, b) in zip(tiled, atOnce) { #expect(abs(a - b) < 3e-6, "\(file)") }
    }
  }

  /// Of 30 classes, so that what the solver remembers counts; a layer of more features than examples goes by its
  /// Gram matrix.
  private func writeForProbe() throws {
    try write(layers: 3, n: 900, p: 40, to: "m")
    let wide = Activations64.normal(n: 900, p: 800, seed: 4)
    try cka.folder.write(NPYFile.bytes(wide.values, shape: [900, 800]), to: "m/wide.npy")
    let labels = (0..<900).map { Double($0 % 30) }
    try cka.folder.write(NPYFile.bytes(labels, shape: [900]), to: "y.npy")
  }

  /// `trust` and `probe` knew no limit but half of what the process may have.
  @Test(arguments: [
    (
      "trust", ["--map-permutations", "19"],
      ["trust.csv", "cka.npy", "z.npy", "standard-error.npy", "control.npy"]
    ),
    (
      "trust", ["--cell", "l0,l1", "--permutations", "19", "--map-permutations", "19"],
      ["standard-error.npy", "control.npy"]
    ),
    ("probe", ["--labels", "y.npy"], ["probe.csv"]),
  ])
  func analysesKeepTheirMemory(command: String, options: [String], files: [String]) throws {
    if command == "probe" {
      try writeForProbe()
    } else {
      try write(layers: 4, n: 1200, p: 40, to: "m")
    }
    let arguments = [command, "m", "--device", "cpu"] + options
    let refused = try cka.run(arguments + ["--memory", "50M"])
    refused.expectFailure(64, "--memory 50.0 MiB is too small for", "at least --memory")
    #expect(!cka.exists("cka-\(command)"))
    let least = try least(refused)
    let (run, peak) = try cka.runMeasuringMemory(
      arguments + ["--memory", "\(least)M", "--output", "least"])
    #expect(run.code == 0, "\(run.errors)")
    if let peak { #expect(peak <= least << 20, "\(peak >> 20) MiB of \(least)") }
    let free = try cka.run(arguments + ["--output", "free"])
    #expect(free.code == 0, "\(free.errors)")
    for file in files {
      #expect(try cka.bytes("least/\(file)") == cka.bytes("free/\(file)"), "\(file)")
    }
  }

  @Test func theSameBitsFromRunToRun() throws {
    try write(layers: 6, n: 2500, p: 300, to: "m")
    let arguments = [
      "compare", "m", "--estimator", "unbiased", "--device", "cpu", "--memory", "200M", "--quiet",
      "--output",
    ]
    try cka.run(arguments + ["a"]).expectSuccess()
    try cka.run(arguments + ["b"]).expectSuccess()
    #expect(try cka.bytes("a/cka.npy") == cka.bytes("b/cka.npy"))
    #expect(try cka.bytes("a/z.npy") == cka.bytes("b/z.npy"))
  }
}
