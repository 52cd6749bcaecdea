import Foundation
import TestSupport
import Testing

/// The command line: what is refused, and which device is taken.
@Suite(.timeLimit(.minutes(30))) struct OptionTests {
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(layers: 2).npz, to: "m.npz")
  }

  @Test(arguments: [
    ["--estimator", "best"], ["--batch-size", "3"], ["--batch-size", "99999999999999999999"],
    ["--examples", "1"], ["--align", "names"], ["--passes", "0"], ["--passes", "-1"],
    ["--order", "random"], ["--seed", "-1"],
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

  /// All OpenCL devices, with a message where there is nothing to share, and the cache they fill.
  @Test func takesAllOpenCLDevices() throws {
    let run = try cka("compare", "m.npz", "--device", "opencl:all", "--batch-size", "8")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("using opencl:0"), "\(run.errors)")
    #expect(run.output.contains("opencl:0"))
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

    let run = try cka("compare", "m.npz", "--batch-size", "24")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("OpenCL") && run.errors.contains("using cpu"), "\(run.errors)")
    let result = try TestResult(cka)
    #expect(result.json("device", "id") as? String == "cpu")

    let devices = try cka("devices")
    devices.expectSuccess()
    #expect(devices.output.contains("auto: no OpenCL device was found"))
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
