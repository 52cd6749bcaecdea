import Foundation
import TestSupport
import Testing

/// The command line: what is refused, and which device is taken.
struct OptionTests {
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(layers: 2).npz, to: "m.npz")
  }

  @Test(arguments: [
    ["--estimator", "best"], ["--batch-size", "3"], ["--batch-size", "99999999999999999999"],
    ["--examples", "1"], ["--align", "names"], ["--passes", "0"], ["--passes", "-1"],
    ["--order", "random"], ["--order", "stored", "--passes", "2"], ["--seed", "-1"],
    ["--ragged", "pad"], ["--kernel", "cubic"], ["--bandwidth", "1"], ["--sigma", "1"],
    ["--kernel", "rbf", "--bandwidth", "1", "--sigma", "1"],
    ["--kernel", "rbf", "--sigma", "-1"], ["--kernel", "rbf", "--sigma", "0"],
    ["--kernel", "rbf", "--sigma", "nan"], ["--kernel", "rbf", "--bandwidth", "inf"],
    ["--precision", "double"], ["--device", "nonsense"], ["--device", "opencl:-1"],
    ["--device", "opencl:x"],
    ["--pool", "max"], ["--verbose"], ["third.npz", "fourth.npz"], ["--output"],
  ])
  func refusesWrongOptions(options: [String]) throws {
    let run = try cka.run(["compare", "m.npz"] + options)
    #expect(run.code == 64)
    #expect(run.output.isEmpty)
    #expect(run.errors.contains("Usage: cka compare"), "\(run.errors)")
    try cka.expectNothingWritten()
  }

  /// None of these numbers may trap, run for ever or end in an error of the program's own.
  @Test(arguments: [
    ["components", "m.npz", "--components"], ["components", "m.npz", "--remove"],
    ["components", "m.npz", "--controls"], ["converge", "m.npz", "--passes"],
    ["trust", "m.npz", "--cell", "layer0,layer1", "--permutations"],
    ["trust", "m.npz", "--cell", "layer0,layer1", "--top"],
    ["converge", "m.npz", "--repeats"], ["converge", "m.npz", "--batch-sizes"],
    ["probe", "m.npz", "--labels", "y.npy", "--penalty"],
    ["probe", "m.npz", "--labels", "y.npy", "--test-fraction"],
    ["probe", "m.npz", "--labels", "y.npy", "--examples"], ["blocks", "r", "--permutations"],
    ["blocks", "r", "--min-size"], ["blocks", "r", "--min-contrast"],
    ["blocks", "r", "--significance"],
    [
      "errors", "--group", "a=y.npy,z.npy", "--group", "b=u.npy,v.npy", "--labels", "y.npy",
      "--repeats",
    ],
    [
      "errors", "--group", "a=y.npy,z.npy", "--group", "b=u.npy,v.npy", "--labels", "y.npy",
      "--top",
    ],
  ])
  func numbersAtTheirEndsAreRefusedOrTaken(words: [String]) throws {
    try cka("compare", "m.npz", "--output", "r", "--quiet", "--device", "cpu").expectSuccess()
    for (place, name) in ["y", "z", "u", "v"].enumerated() {
      let labels = (0..<24).map { Double(($0 / (1 + place) + place) % 2) }
      try cka.folder.write(NPYFile.bytes(labels, shape: [24]), to: "\(name).npy")
    }
    for number in [
      "-1", "0", "2147483648", "9223372036854775807", "1e308", "1e-308", "nan", "inf",
    ] {
      // An option's value that begins with a minus sign stands behind an equals sign.
      let option = "\(words[words.count - 1])=\(number)"
      let run = try cka.run(
        Array(words.dropLast()) + [option, "--output", "out", "--force", "--quiet"])
      #expect(
        run.signal == nil && [0, 64, 65].contains(run.code), "\(words) \(number): \(run.errors)")
    }
  }

  /// Once `The value '16,16' is invalid`, and no more.
  @Test(arguments: [
    (["converge", "m.npz", "--batch-sizes", "16,16"], "--batch-sizes contains 16 twice."),
    (["converge", "m.npz", "--passes", "0"], "--passes contains 0; each must be at least 1."),
    (["converge", "m.npz", "--passes", "2,1,2"], "--passes contains 2 twice."),
    (["components", "m.npz", "--remove", "0"], "--remove contains 0; each must be at least 1."),
    (["components", "m.npz", "--remove", "1,1"], "--remove contains 1 twice."),
    (
      ["sweep", "m.npz", "--output", "out", "--shard", "0/2"],
      "The value '0/2' is invalid for '--shard <i/n>': expected I/N, with I from 1 to N."
    ),
  ])
  func saysWhyACountIsRefused(words: [String], reason: String) throws {
    try cka.run(words).expectUsage("Error: \(reason)\n")
    try cka.expectNothingWritten()
  }

  /// What --examples asks for was said of the model: `m.npz: has 3 examples`, and it has 24.
  @Test(arguments: [
    (["compare"], "--examples is 3; the minibatch estimator needs at least 4."),
    (
      ["compare", "--estimator", "unbiased"],
      "--examples is 3; the unbiased estimator needs at least 4."
    ),
    (["trust"], "--examples is 3; the unbiased estimator needs at least 4."),
    (["components"], "--examples is 3; components need at least 4."),
    (["sweep", "--output", "out"], "--examples is 3; the minibatch estimator needs at least 4."),
    (
      ["converge", "--batch-sizes", "8,4"],
      "--examples is 3; it must be larger than the smallest of --batch-sizes 8,4."
    ),
  ])
  func fewExamplesAreTheOptionsFault(words: [String], reason: String) throws {
    try cka.run([words[0], "m.npz", "--examples", "3"] + words.dropFirst())
      .expectUsage("Error: \(reason)\n")
    try cka.expectNothingWritten()
  }

  /// Those that are left out for NaN are examples of the model all the same.
  @Test func whatIsLeftOfTheExamplesIsNotAllOfThem() throws {
    let values = (0..<24).map { $0 < 21 ? Double.nan : Double($0) }
    try cka.folder.write(NPYFile.bytes(values, shape: [24, 1]), to: "bad/a.npy")
    let words = ["bad", "--drop-examples", "non-finite", "--device", "cpu"]
    for (command, rest) in [
      ("compare", ", the minibatch estimator needs at least 4"),
      ("trust", ", the unbiased estimator needs at least 4"),
      ("components", "; components need at least 4"),
    ] {
      try cka.run([command] + words + ["--quiet"])
        .expectFailure(65, "bad: 3 of its 24 examples are compared\(rest)")
    }
    try cka.expectNothingWritten()
  }

  @Test(arguments: [["nonsense"], ["compare"], ["inspect"], ["plot"], ["inspect", "a", "b"]])
  func refusesWrongCommands(arguments: [String]) throws {
    let run = try cka.run(arguments)
    #expect(run.code == 64 && run.output.isEmpty && run.errors.contains("Usage: cka"))
  }

  @Test func refusesPatternsWithoutLayers() throws {
    try cka("compare", "m.npz", "--layers", "conv*", "--layers", "fc")
      .expectFailure(64, "m.npz", "no layer matches conv*, fc")
    try cka("compare", "m.npz", "--layers", "layer*", "--layers", "fc")
      .expectFailure(64, "m.npz", "no layer matches fc")
    try cka.folder.write(TestModel(["fc"]).npz, to: "n.npz")
    try cka("compare", "m.npz", "n.npz", "--layers", "layer*")
      .expectFailure(64, "n.npz", "no layer matches layer*")
    try cka.expectNothingWritten()
    try cka("compare", "m.npz", "n.npz", "--layers", "layer*", "--layers", "fc", "--quiet")
      .expectSuccess()
  }

  @Test func helps() throws {
    for arguments in [[], ["--help"], ["compare", "--help"], ["help", "plot"], ["--version"]] {
      let run = try cka.run(arguments)
      run.expectSuccess()
      #expect(!run.output.isEmpty)
    }
    #expect(try cka("compare", "--help").output.contains("(default: auto)"))
  }

  @Test func refusesDevicesThatAreNotThere() throws {
    try cka("compare", "m.npz", "--device", "opencl:99").expectFailure(69, "--device opencl:99")
    try cka("verify", "--device", "opencl:99").expectFailure(69, "--device opencl:99")
    try cka.expectNothingWritten()
  }

  /// All OpenCL devices, and the cache they fill; why they were chosen stands in the result.
  @Test func takesAllOpenCLDevices() throws {
    let run = try cka("compare", "m.npz", "--device", "opencl:all", "--batch-size", "8")
    run.expectSuccess()
    #expect(run.output.contains("opencl:0"))
    let reasons = try #require(TestResult(cka).json("device", "reasons") as? [String])
    #expect(reasons.contains { $0.hasPrefix("using opencl:0") }, "\(reasons)")
    let programs = "\(cka.cache.path)/cka/programs"
    #expect(try !FileManager.default.contentsOfDirectory(atPath: programs).isEmpty)
  }

  /// Where there are no tensor cores every precision is exact: the same bits, and the result says so.
  @Test func asksForAPrecision() throws {
    try cka("compare", "m.npz", "--device", "opencl", "--batch-size", "24", "--output", "exact")
      .expectSuccess()
    let exact = try TestResult(cka, "exact")
    #expect(exact.json("precision") as? String == "exact")
    let run = try cka(
      "compare", "m.npz", "--device", "opencl", "--batch-size", "24", "--precision", "compensated")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("tensor cores are not used"), "\(run.errors)")
    let result = try TestResult(cka)
    #expect(result.json("precision") as? String == "compensated")
    #expect(result.json("device", "precision") as? String == "exact")
    #expect(result.cka == exact.cka)
    try cka(
      "compare", "m.npz", "--device", "cpu", "--batch-size", "24", "--precision", "fast",
      "--output",
      "cpu"
    )
    .expectSuccess()
    #expect(try TestResult(cka, "cpu").json("device", "precision") as? String == "exact")
  }

  @Test func goesOnWithoutOpenCL() throws {
    var cka = cka
    try cka.folder.write("", to: "no-drivers/none")
    cka.environment["OCL_ICD_VENDORS"] = "\(cka.folder.path)/no-drivers"
    try cka("compare", "m.npz", "--device", "opencl")
      .expectFailure(69, "--device opencl: not found: there is no OpenCL device")
    try cka.expectNothingWritten()

    // That a machine has no GPU is no news: the summary names the device.
    let run = try cka("compare", "m.npz", "--batch-size", "24")
    run.expectSuccess()
    #expect(run.output.contains(" on cpu in "), "\(run.output)")
    let result = try TestResult(cka)
    #expect(result.json("device", "id") as? String == "cpu")
    let reasons = try #require(result.json("device", "reasons") as? [String])
    #expect(reasons.first == "no OpenCL device was found", "\(reasons)")
    #expect(reasons.last?.hasPrefix("using cpu: ") == true, "\(reasons)")

    let devices = try cka("devices")
    devices.expectSuccess()
    #expect(devices.output.contains("auto: no OpenCL device was found"))
  }

  /// A device that is no GPU is passed over without a word; the reasons stand where they are looked for.
  @Test func autoSaysNothingOfDevicesThatAreNoGPU() throws {
    let run = try cka("compare", "m.npz", "--batch-size", "24")
    run.expectSuccess()
    let devices = try cka("devices")
    guard run.output.contains(" on cpu in ") else { return }
    let reasons = try #require(TestResult(cka).json("device", "reasons") as? [String])
    for reason in reasons { #expect(devices.output.contains("auto: \(reason)"), "\(reason)") }
    try cka("compare", "m.npz", "--batch-size", "24", "--device", "cpu", "--output", "cpu")
      .expectSuccess()
    #expect(try TestResult(cka, "cpu").json("device", "reasons") == nil)
  }

  /// An option that changes nothing is refused, not ignored.
  @Test(arguments: [
    ["compare", "--estimator", "unbiased", "--batch-size", "8"],
    ["compare", "--estimator", "biased", "--passes", "2"],
    ["compare", "--estimator", "unbiased", "--order", "stored"],
    ["compare", "--estimator", "unbiased", "--ragged", "keep"],
    ["compare", "--estimator", "unbiased", "--seed", "3"],
    ["compare", "--order", "stored", "--seed", "3"],
    ["compare", "--align", "ids"], ["converge", "--align", "order"],
    ["components", "--align", "ids"], ["trust", "--align", "ids"],
    ["sweep", "--output", "out", "--estimator", "unbiased", "--passes", "2"],
    ["sweep", "--output", "out", "--estimator", "biased", "--seed", "2"],
    ["sweep", "--output", "out", "--shard", "1/2", "--report"],
    ["sweep", "--output", "out", "--shard", "1/2", "--table"],
    ["sweep", "--output", "out", "--shard", "1/2", "--models-csv", "t.csv"],
    ["trust", "--permutations", "99"], ["trust", "--top", "3"],
    [
      "errors", "--group", "a=x.npy", "--group", "b=y.npy", "--labels", "y.npy", "--least-classes",
      "3",
    ],
  ])
  func refusesOptionsThatDecideNothing(words: [String]) throws {
    let model = words[0] == "errors" ? [] : ["m.npz"]
    let run = try cka.run([words[0]] + model + words.dropFirst())
    #expect(run.code == 64 && run.output.isEmpty, "\(run.errors)")
    let named = words.last { $0.hasPrefix("--") }
    #expect(run.errors.hasPrefix("Error: \(named ?? "")"), "\(run.errors)")
    try cka.expectNothingWritten()
  }

  @Test func takesASeedThatChoosesExamples() throws {
    try cka(
      "compare", "m.npz", "--estimator", "unbiased", "--examples", "12", "--seed", "3", "--quiet"
    ).expectSuccess()
  }

  @Test func listsTheCPU() throws {
    let run = try cka("devices")
    run.expectSuccess()
    #expect(lines(run.output).contains { $0.hasPrefix("cpu ") })
    #expect(run.output.contains("auto: "))
  }

  @Test func verifies() throws {
    let run = try cka("verify", "--device", "cpu")
    run.expectSuccess()
    #expect(run.output.hasSuffix("cpu passed\n"))
    #expect(run.output.contains("exact products\n"))
    #expect(!run.output.contains("FAILED"))
  }
}
