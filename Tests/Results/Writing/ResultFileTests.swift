import Figures
import Results
import Testing

@Suite struct ResultFileTests {
  /// What a folder of a result may hold is told without the library that draws.
  @Test func picturesAreCalledByTheirFormats() {
    #expect(ResultNames.pictures == FigureFormat.allCases.map(\.rawValue))
  }
}
