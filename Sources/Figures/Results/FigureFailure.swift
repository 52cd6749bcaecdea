import Activations
import Figures
import Support

extension FigureError: FailureConvertible {
  /// One line, and the code of a wrong option where what was asked for cannot be drawn, such as large type on a
  /// narrow page.
  public var failure: Failure {
    let isAskedFor = kind == .invalid || kind == .narrow
    return Failure(isAskedFor ? .usage : .software, "drawing: \(oneLine(description))")
  }
}
