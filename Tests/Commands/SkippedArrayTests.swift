import Foundation
import TestSupport
import Testing

/// Arrays that are no layers: named once, left out, and an error where they are chosen.
struct SkippedArrayTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  private static let epoch = NPYFile.bytes(
    header: NPYFile.header(descr: "<i8", shape: []), data: [UInt8](repeating: 3, count: 8))

  private func write(_ name: String, with others: [(name: String, data: [UInt8])]) throws {
    let model = TestModel(layers: 2, n: 12)
    let layers = (0..<2).map { (name: "layer\($0).npy", data: model.npy($0)) }
    try cka.folder.write(ZipFile.bytes(layers + others), to: name)
  }

  @Test func leavesOutWhatCannotBeALayer() throws {
    try write("whole.npz", with: [])
    let reused = TestModel(layers: 1, n: 24).npy(0)
    try write("mixed.npz", with: [("epoch.npy", Self.epoch), ("relu.npy", reused)])
    let options = ["--device", "cpu", "--batch-size", "12"]
    try cka.run(["compare", "whole.npz", "--output", "whole"] + options).expectSuccess()
    let run = try cka.run(["compare", "mixed.npz", "--output", "mixed"] + options)
    run.expectSuccess(messages: 1)
    #expect(
      run.errors
        == "cka: warning: mixed.npz: skipped 2 arrays that cannot be layers: epoch (found a single "
        + "number (0-D), expected examples × features), relu (has 24 examples, the model's layers "
        + "have 12)\n")
    #expect(try cka.bytes("mixed/cka.npy") == cka.bytes("whole/cka.npy"))

    try cka.run(["compare", "mixed.npz", "--layers", "layer*", "--output", "chosen"] + options)
      .expectSuccess()
    try cka.run(["compare", "mixed.npz", "--layers", "epoch", "--output", "epoch"] + options)
      .expectFailure(65, "mixed.npz", "'epoch.npy'", "0-D")
    try cka.run(["compare", "mixed.npz", "--layers", "none", "--output", "epoch"] + options)
      .expectFailure(64, "mixed.npz", "no layer matches none")

    let list = try cka("inspect", "mixed.npz")
    list.expectSuccess()
    #expect(list.output.contains("skipped: epoch: found a single number (0-D)"))
    #expect(list.output.contains("skipped: relu: has 24 examples"))
    #expect(list.output.contains("mixed: 2 layers, 12 examples"))
  }

  @Test func asManyLayersOfOneNumberAsOfAnotherNeedAChoice() throws {
    let members = [12, 9].map { (name: "n\($0).npy", data: TestModel(layers: 1, n: $0).npy(0)) }
    try cka.folder.write(ZipFile.bytes(members), to: "tie.npz")
    let options = ["--device", "cpu", "--batch-size", "9"]
    try cka.run(["compare", "tie.npz"] + options)
      .expectFailure(65, "tie.npz", "layer 'n12' has 12", "layer 'n9' has 9")
    try cka.run(["compare", "tie.npz", "--layers", "n9"] + options).expectSuccess()
    let list = try cka("inspect", "tie.npz")
    list.expectSuccess()
    #expect(list.output.contains("12 × 3") && list.output.contains("9 × 3"))
    #expect(list.output.contains("choose layers with --layers"))
  }
}
