import ActivationFiles
import CKA
import DeviceRegistry
import Inputs
import ResultFigures
import Results
import SweepStore
import Testing

extension Snippets {
  func sweep(_ models: [String], to store: String) throws -> SweepResults {
    // Snippet begins.
    var settings = SweepSettings()
    settings.batchSize = 32
    let choice = try DeviceRegistry.choose(.automatic)
    let team = DeviceTeam(choice.devices, sharing: choice.sharing)
    let sweep = try Sweep(store: store, settings: settings, devices: team, models: models) {
      try ModelSelection().open($0).model
    }
    let summary = try sweep.run(models: models)
    print(summary.models, summary.productsMade, summary.productsFound)

    let results = try sweep.results()
    print(try results.similarity(0, 1).cka[0, 0])
    var outputs = try SweepOutputs(results)
    print(try outputs.write(table: true, report: true).path)
    // Snippet ends.
    return results
  }

  @Test func sweepsCompareAllPairs() throws {
    let store = "\(files.path)/store"
    do {
      let results = try sweep([run1, run2], to: store)
      let written = try SweepResult(in: "\(store)/results")
      #expect(written.document.models.map(\.name) == ["run1", "run2"])
      #expect(written.document.pairs.count == 3)
      for pair in written.document.pairs {
        #expect(try written.map(of: pair) == results.similarity(pair.left, pair.right).cka)
      }
    }
    #expect(files(in: "\(store)/results").contains("report.html"))
    // Whoever lets go of results lets go of the store, which can be extended then.
    #expect(try sweep([run1, run2, blocky], to: store).models.count == 3)
  }
}
