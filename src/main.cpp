#include <app/commands/commands.hpp>

int main(int count, char** words) { return haat::app::run_command(count, words); }
