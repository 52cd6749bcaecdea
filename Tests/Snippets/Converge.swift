import ActivationFiles
import Analyses
import CKA
import DeviceRegistry
import ResultFigures
import Results
import Testing

extension Snippets {
  func converge(_ run1: String, _ run2: String, to folder: String) throws -> Convergence.Outcome {
    // Snippet begins.
    let left = try ModelFiles(path: run1)
    let right = try ModelFiles(path: run2)
    let convergence = try Convergence(
      left, right, batchSizes: [8, 32], passes: [1, 4], repeats: 3)
    let choice = try DeviceRegistry.choose(.automatic)
    let team = DeviceTeam(choice.devices, sharing: choice.sharing)
    let outcome = try convergence.run(on: team)
    for point in outcome.points { print(point.batchSize, point.passes, point.meanError) }

    let document = ConvergeDocument(convergence, outcome, paths: [left.path, right.path])
    let result = ConvergeResult(document, exact: outcome.exact.cka)
    try result.write(result.dataFiles(outcome), to: folder)
    // Snippet ends.
    return outcome
  }

  @Test func convergenceIsThatOfTheExactValue() throws {
    let folder = "\(files.path)/converge"
    let outcome = try converge(run1, run2, to: folder)
    let written = try ConvergeResult(in: folder)
    #expect(written.exact == outcome.exact.cka)
    #expect(written.document.points.map(\.meanError) == outcome.points.map { $0.meanError })
    #expect(outcome.points.map(\.batchSize) == [8, 8, 32, 32])
    // Four passes are closer than one.
    #expect(outcome.points[1].meanError < outcome.points[0].meanError)
  }
}
